# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A proxy that looks at candidates before they are judged: of several the best by it is judged."""

from __future__ import annotations

from tflm_patch.nas.data import SearchData
from tflm_patch.nas.fitness import Effort
from tflm_patch.nas.judges import PROXIES
from tflm_patch.nas.options import Prefilter
from tflm_patch.nas.space import Picks, SearchSpace


class Proxy:
  """Numbers of candidates, each computed once.

  Args:
    prefilter: Which proxy.
    data: Examples, for those that look at some.
    space: Of candidates.
    effort: Seed, batch and threads.
  """

  def __init__(
    self, prefilter: Prefilter, data: SearchData, space: SearchSpace, effort: Effort
  ) -> None:
    self._judge = PROXIES[prefilter.proxy](data)
    self._space, self._effort = space, effort
    self._known: dict[Picks, float] = {}

  def __call__(self, picks: Picks) -> float:
    """The number of a candidate, larger for better ones."""
    if picks not in self._known:
      (self._known[picks],) = self._judge.evaluate([self._space.spec_of(picks)], self._effort)
    return self._known[picks]
