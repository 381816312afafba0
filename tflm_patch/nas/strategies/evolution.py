# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Evolution as in MCUNet (arXiv 2007.10319) and Once-for-all (arXiv 1908.09791)."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.space import Picks
from tflm_patch.nas.strategies.base import Problem
from tflm_patch.nas.strategies.drawing import Drawer
from tflm_patch.nas.trial import Trial


class Evolution:
  """A first generation by chance, then children of the best, half mutated, half crossed.

  Every candidate is drawn until it fits. The defaults are MCUNet's.

  Args:
    problem: What is searched.
    population: Of a generation.
    parents: The best of all so far, which have children.
    mutation: Chance that a decision of a mutated child is made anew.

  Raises:
    TflmPatchError: numbers that mean nothing.
  """

  def __init__(
    self, problem: Problem, population: int = 100, parents: int = 20, mutation: float = 0.1
  ) -> None:
    if population < 2 or not 1 <= parents <= population or not 0 < mutation <= 1:
      raise TflmPatchError(
        f'evolution of {population} with {parents} parents and mutations of {mutation}: give a '
        'population of 2 or more, parents up to it, and a chance above 0 and up to 1'
      )
    self._drawer = Drawer(problem)
    self._population, self._parents, self._mutation = population, parents, mutation
    self._told: list[Trial] = []

  def ask(self, rng: random.Random) -> list[Picks]:
    """A generation; see `Strategy`."""
    if not self._told:
      found = [self._drawer.by_chance(rng) for _ in range(self._population)]
    else:
      best = sorted(self._told, key=lambda trial: (-trial.score, trial.number))
      parents = [trial.picks for trial in best[: self._parents]]
      found = [self._child(parents, k, rng) for k in range(self._population)]
    return [picks for picks in found if picks is not None]

  def tell(self, trials: Sequence[Trial]) -> None:
    """See `Strategy`."""
    self._told += trials

  def _child(self, parents: Sequence[Picks], number: int, rng: random.Random) -> Picks | None:
    if number % 2 and len(parents) > 1:
      mother, father = rng.sample(list(parents), 2)
      child = self._drawer.crossed(mother, father, rng)
      if child is not None:
        return child
    return self._drawer.mutated(rng.choice(list(parents)), self._mutation, rng)
