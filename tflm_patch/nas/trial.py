# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A candidate that was judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tflm_patch.nas.costs import COSTS
from tflm_patch.nas.needs import Needs
from tflm_patch.nas.space import Picks


@dataclasses.dataclass(frozen=True)
class Trial:
  """A candidate that was judged.

  Attributes:
    number: From 0 on.
    picks: The candidate.
    spec: Its line.
    score: Its fitness; more is better.
    needs: What it needs on the chip.
    seconds, cpu_seconds: That drawing and judging it took.
  """

  number: int
  picks: Picks
  spec: str
  score: float
  needs: Needs
  seconds: float = 0.0
  cpu_seconds: float = 0.0

  def cost(self, name: str) -> float:
    """A cost that is known."""
    value = COSTS[name].value(self.needs)
    assert value is not None
    return value


def pareto_front(trials: Sequence[Trial], axes: Sequence[str]) -> list[Trial]:
  """Those that no other is as good as in everything and better in something.

  Args:
    trials: All.
    axes: Costs that count beside the score.

  Returns:
    By score, the best first; of equal ones the first.
  """
  points = [(-trial.score, *(trial.cost(axis) for axis in axes)) for trial in trials]
  kept = []
  for k, point in enumerate(points):
    is_beaten = any(
      all(a <= b for a, b in zip(other, point)) and (other != point or n < k)
      for n, other in enumerate(points)
      if n != k
    )
    if not is_beaten:
      kept.append(trials[k])
  return sorted(kept, key=lambda trial: (-trial.score, trial.number))
