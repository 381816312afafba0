# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Regularized evolution with morphisms, as in uNAS (arXiv 2010.14246)."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.space import Picks
from tflm_patch.nas.strategies.base import Problem
from tflm_patch.nas.strategies.drawing import Drawer
from tflm_patch.nas.strategies.morphisms import morphed
from tflm_patch.nas.trial import Trial

_CAP = 10.0  # of a figure over its limit


class Aging:
  """The youngest are the population; the best of some of them has one child, a morphism away.

  Which is the best is decided anew each time: by the figure that is worst beside its limit,
  each weighed by chance, so that all of the front is looked for.

  Args:
    problem: What is searched.
    population: Candidates by chance at first; so many of the last ones may have children.
    tournament: Of these are compared.

  Raises:
    TflmPatchError: numbers that mean nothing.
  """

  def __init__(self, problem: Problem, population: int = 100, tournament: int = 25) -> None:
    if population < 1 or not 1 <= tournament <= population:
      raise TflmPatchError(
        f'aging evolution of {population} with tournaments of {tournament}: give a population of '
        '1 or more, and tournaments up to it'
      )
    self._problem, self._drawer = problem, Drawer(problem)
    self._population, self._tournament = population, tournament
    self._told: list[Trial] = []

  def ask(self, rng: random.Random) -> list[Picks]:
    """One candidate; see `Strategy`."""
    found = None
    if len(self._told) >= self._population:
      alive = self._told[-self._population :]
      parent = self._best(rng.sample(alive, self._tournament), rng).picks
      found = self._drawer.draw(lambda: self._step(parent, rng), rng)
    if found is None:
      found = self._drawer.by_chance(rng)
    return [] if found is None else [found]

  def tell(self, trials: Sequence[Trial]) -> None:
    """See `Strategy`."""
    self._told += trials

  def _step(self, parent: Picks, rng: random.Random) -> Picks:
    """One morphism; more where all neighbours are known or too large."""
    found = parent
    while True:
      found = morphed(self._problem.space, found, rng)
      if found not in self._drawer.seen or rng.random() < 0.5:
        return found

  def _best(self, trials: Sequence[Trial], rng: random.Random) -> Trial:
    axes = self._problem.objectives.axes
    weights = [max(rng.random(), 1e-3) for _ in range(len(axes) + 1)]
    worst = {axis: max(trial.cost(axis) for trial in trials) or 1.0 for axis in axes}
    low, high = min(t.score for t in trials), max(t.score for t in trials)

    def loss(trial: Trial) -> float:
      figures = [(high - trial.score) / (high - low) if high > low else 0.0]
      for axis in axes:
        limit = self._problem.objectives.limit(axis) or worst[axis]
        figures.append(min(trial.cost(axis) / limit, _CAP))
      # Smaller weights make a figure count more, as a tighter limit would.
      return max(figure / weight for figure, weight in zip(figures, weights))

    return min(trials, key=lambda trial: (loss(trial), trial.number))
