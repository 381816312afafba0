# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Strategies by name, one a file: candidates are asked for, and told how good they are."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from tflm_patch.architecture.text import unknown
from tflm_patch.nas.strategies.aging import Aging
from tflm_patch.nas.strategies.base import Problem, Strategy
from tflm_patch.nas.strategies.bayesian import Bayesian
from tflm_patch.nas.strategies.differentiable import Differentiable
from tflm_patch.nas.strategies.evolution import Evolution
from tflm_patch.nas.strategies.greedy import Greedy
from tflm_patch.nas.strategies.random_search import RandomSearch

__all__ = ['DRAWING', 'STRATEGIES', 'Problem', 'Strategy', 'check_settings', 'strategy_of']

# What begins one. Keyword arguments beside the problem are the strategy's own.
STRATEGIES: dict[str, Callable[..., Strategy]] = {
  'evolution': Evolution,
  'aging': Aging,
  'bayesian': Bayesian,
  'greedy': Greedy,
  'differentiable': Differentiable,
  'random': RandomSearch,
}

# Those that draw by chance: a proxy may choose what they ask for.
DRAWING = ('evolution', 'aging', 'random')


def check_settings(name: str, **settings: float) -> None:
  """Checks a strategy's name, and the names of its settings.

  Raises:
    SpecError: there is none of that name.
  """
  if name not in STRATEGIES:
    raise unknown(name, 'strategy', STRATEGIES)
  known = [key for key in inspect.signature(STRATEGIES[name]).parameters if key != 'problem']
  for key in settings:
    if key not in known:
      raise unknown(key, f'setting of {name}', known or ['none'])


def strategy_of(name: str, problem: Problem, **settings: float) -> Strategy:
  """A strategy by name.

  Args:
    name: See `STRATEGIES`.
    problem: What is searched.
    **settings: Of the strategy, like `population`.

  Raises:
    SpecError: there is none of that name.
    TflmPatchError: settings that mean nothing.
    EnvironmentMissing: it needs a package that is not installed.
  """
  check_settings(name, **settings)
  return STRATEGIES[name](problem, **settings)
