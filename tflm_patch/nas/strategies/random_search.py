# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Candidates by chance: what every other strategy has to beat."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tflm_patch.nas.space import Picks
from tflm_patch.nas.strategies.base import Problem
from tflm_patch.nas.strategies.drawing import Drawer
from tflm_patch.nas.trial import Trial

_AT_ONCE = 16  # an engine may judge them at the same time


class RandomSearch:
  """Every candidate that fits is as likely as its decisions.

  Args:
    problem: What is searched.
  """

  def __init__(self, problem: Problem) -> None:
    self._drawer = Drawer(problem)

  def ask(self, rng: random.Random) -> list[Picks]:
    """See `Strategy`."""
    found = [self._drawer.by_chance(rng) for _ in range(_AT_ONCE)]
    return [picks for picks in found if picks is not None]

  def tell(self, trials: Sequence[Trial]) -> None:
    """See `Strategy`: nothing is learned."""
    del trials
