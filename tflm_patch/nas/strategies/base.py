# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What strategies are asked, and what they are told.

A strategy is asked for candidates, and told how good they are; it keeps no generator of
numbers by chance of its own: each time it is asked it gets one that depends on the seed and on
how much it was told. So a search that was killed is told the same again, and goes on as if
it had not been.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence
from typing import Protocol

from tflm_patch.nas.data import SearchData
from tflm_patch.nas.fitness import DEFAULT_EFFORT, Effort
from tflm_patch.nas.needs import Needs
from tflm_patch.nas.objectives import Objectives
from tflm_patch.nas.space import Picks, SearchSpace
from tflm_patch.nas.trial import Trial


@dataclasses.dataclass(frozen=True)
class Problem:
  """What is searched.

  Attributes:
    space: Of candidates.
    objectives: Limits and axes.
    fits: Whether a candidate keeps all limits: exact, and quick beside any training.
    needs: What a candidate needs, exactly.
    data: Examples, for strategies that train.
    effort: What such a training may cost.
    proxy: Says what looks promising, larger numbers more so; None for nothing.
    proxied: Candidates that strategies which draw by chance let it choose among.
  """

  space: SearchSpace
  objectives: Objectives
  fits: Callable[[Picks], bool]
  needs: Callable[[Picks], Needs] | None = None
  data: SearchData | None = None
  effort: Effort = DEFAULT_EFFORT
  proxy: Callable[[Picks], float] | None = None
  proxied: int = 1


class Strategy(Protocol):
  """Chooses candidates."""

  def ask(self, rng: random.Random) -> list[Picks]:
    """The next candidates, which fit and were not asked for before; none when it has ended.

    Args:
      rng: Numbers by chance for this call.
    """
    ...

  def tell(self, trials: Sequence[Trial]) -> None:
    """How good they are: all that were asked for last, in their order."""
    ...
