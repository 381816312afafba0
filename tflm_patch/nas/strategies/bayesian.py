# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Multi-objective Bayesian optimisation as in SpArSe (arXiv 1905.12107), by Optuna's sampler.

Parzen estimators stand for SpArSe's Gaussian processes: decisions are categories, and there are
many of them.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from typing import Any

from tflm_patch.errors import EnvironmentMissing
from tflm_patch.nas.space import Picks
from tflm_patch.nas.strategies.base import Problem
from tflm_patch.nas.strategies.drawing import Drawer
from tflm_patch.nas.trial import Trial

_ASKED = 30  # suggestions, before it is a neighbour of the last one that is taken
_NEAR = 0.1


class Bayesian:
  """Suggests what is likely to extend the front of score and axes.

  The sampler keeps no state: it is made anew, with a seed of its own, for every question.

  Args:
    problem: What is searched.
    startup: Candidates by chance at first.

  Raises:
    EnvironmentMissing: Optuna is not installed.
  """

  def __init__(self, problem: Problem, startup: int = 10) -> None:
    self._optuna = _optuna()
    self._problem, self._drawer, self._startup = problem, Drawer(problem), startup
    choose = self._optuna.distributions.CategoricalDistribution
    self._distributions = {
      decision.name: choose(tuple(range(len(decision.options))))
      for decision in problem.space.decisions
      if len(decision.options) > 1
    }
    directions = ['maximize', *('minimize' for _ in problem.objectives.axes)]
    self._study = self._optuna.create_study(directions=directions)
    self._told = 0

  def ask(self, rng: random.Random) -> list[Picks]:
    """One candidate; see `Strategy`."""
    found = None
    if self._told >= self._startup:
      found = self._suggested(rng)
    if found is None:
      found = self._drawer.by_chance(rng)
    return [] if found is None else [found]

  def tell(self, trials: Sequence[Trial]) -> None:
    """See `Strategy`."""
    axes = self._problem.objectives.axes
    for trial in trials:
      self._study.add_trial(
        self._optuna.trial.create_trial(
          params=self._params(trial.picks),
          distributions=self._distributions,
          values=[float(trial.score), *map(float, map(trial.cost, axes))],
        )
      )
      self._told += 1

  def _params(self, picks: Picks) -> dict[str, int]:
    names = [decision.name for decision in self._problem.space.decisions]
    return {name: pick for name, pick in zip(names, picks) if name in self._distributions}

  def _suggested(self, rng: random.Random) -> Picks | None:
    """The first suggestion that is new and fits, or a neighbour of the last one."""
    seen, space = self._drawer.seen, self._problem.space
    picks: Picks = space.smallest()
    for _ in range(_ASKED):
      picks = self._suggestion(rng.getrandbits(32))
      if picks not in seen and self._problem.fits(picks):
        seen.add(picks)
        return picks
    return self._drawer.mutated(picks, _NEAR, rng)

  def _suggestion(self, seed: int) -> Picks:
    """Of a sampler that begins with a seed; the question is forgotten."""
    space, study = self._problem.space, self._study
    with warnings.catch_warnings():
      warnings.simplefilter('ignore')  # multivariate: all decisions at once, still experimental
      study.sampler = self._optuna.samplers.TPESampler(
        seed=seed, n_startup_trials=self._startup, multivariate=True
      )
    asked = study.ask(self._distributions)
    study.tell(asked, state=self._optuna.trial.TrialState.FAIL)
    return space.canonical([asked.params.get(decision.name, 0) for decision in space.decisions])


def _optuna() -> Any:
  try:
    import optuna
  except ImportError:
    raise EnvironmentMissing(
      'the strategy "bayesian" needs Optuna; pip install "tflm-patch[search]"'
    ) from None
  optuna.logging.set_verbosity(optuna.logging.ERROR)
  return optuna
