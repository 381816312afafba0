# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How a search runs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.fitness import DEFAULT_EFFORT, Effort, Fitness
from tflm_patch.training.options import DEFAULT as DEFAULT_TRAINING
from tflm_patch.training.options import TrainOptions

DEFAULT_TRIALS = 100
# Of the minutes; the rest trains the finalists.
SEARCH_SHARE = 0.6

FitnessChoice = str | Callable[[SearchData], Fitness]


@dataclasses.dataclass(frozen=True)
class EngineOptions:
  """Where a search works.

  Attributes:
    name: A name of `ENGINES`: this process, or a Ray cluster.
    address: Of the cluster's head, HOST:PORT; None for that of RAY_ADDRESS or of this machine.
    portion_seconds: A training goes back and forth after so many: what a worker that dies loses.
    patience_seconds: That a cluster which went away is waited for.

  Raises:
    TflmPatchError: a value that means nothing.
  """

  name: str = 'local'
  address: str | None = None
  portion_seconds: float = 300.0
  patience_seconds: float = 600.0

  def __post_init__(self) -> None:
    for name in ('portion_seconds', 'patience_seconds'):
      if not (getattr(self, name) >= 0 and math.isfinite(getattr(self, name))):
        raise TflmPatchError(f'{name} is {getattr(self, name)}; it must not be below 0')
    if self.address is not None and self.name == 'local':
      raise TflmPatchError('an address is of a Ray cluster; choose the engine ray with it')


LOCAL = EngineOptions()


@dataclasses.dataclass(frozen=True)
class SearchOptions:
  """How a search runs.

  Attributes:
    strategy: A name of `STRATEGIES`.
    settings: Of the strategy, like `population`.
    fitness: A name of `FITNESS`, or what makes one from the examples.
    effort: What judging one candidate may cost.
    trials: Candidates that are judged, at most; None for 100, or without limit where
      minutes are given.
    minutes: Of wall time, resumed runs added up: six tenths for candidates, the rest for
      the finalists.
    first_stage: Networks of every resolution and width of the space that are checked first,
      to search the most promising of them alone (TinyNAS); 0 to search the whole space.
    seed: Of everything. The same seed and the same number of trials give the same
      candidates; with one thread of the effort the same scores, too.
    top: Finalists; 0 for none.
    training: Of the finalists, but for its seed; minutes here go before those of the search.
    engine: Where all of it is done; a search may be resumed with another one.

  Raises:
    TflmPatchError: a value that means nothing.
  """

  strategy: str = 'evolution'
  settings: Mapping[str, float] = dataclasses.field(default_factory=dict)
  fitness: FitnessChoice = 'trained'
  effort: Effort = DEFAULT_EFFORT
  trials: int | None = None
  minutes: float | None = None
  first_stage: int = 0
  seed: int = 1
  top: int = 1
  training: TrainOptions = DEFAULT_TRAINING
  engine: EngineOptions = LOCAL

  def __post_init__(self) -> None:
    for name in ('trials', 'minutes'):
      value = getattr(self, name)
      if value is not None and not (value > 0 and math.isfinite(value)):
        raise TflmPatchError(f'{name} is {value}; it must be above 0')
    for name in ('seed', 'first_stage', 'top'):
      if getattr(self, name) < 0:
        raise TflmPatchError(f'{name} is {getattr(self, name)}; it must not be below 0')

  @property
  def most_trials(self) -> float:
    """The limit of trials; infinite where only time is limited."""
    if self.trials is not None:
      return self.trials
    return DEFAULT_TRIALS if self.minutes is None else math.inf

  @property
  def fitness_name(self) -> str:
    """In tables and state files."""
    if isinstance(self.fitness, str):
      return self.fitness
    return getattr(self.fitness, '__name__', type(self.fitness).__name__)

  def progress(self, trials: int, seconds: float) -> float:
    """How far the search for candidates is, from 0 to 1.

    Args:
      trials: Judged.
      seconds: Of wall time used.
    """
    share = trials / self.most_trials
    if self.minutes is not None:
      share = max(share, seconds / (60 * SEARCH_SHARE * self.minutes))
    return min(share, 1.0)

  @property
  def final_training(self) -> TrainOptions:
    """Of each finalist."""
    training = dataclasses.replace(self.training, seed=self.seed, threads=self.effort.threads)
    has_limit = any(
      limit is not None for limit in (training.epochs, training.minutes, training.cpu_minutes)
    )
    if self.minutes is None or has_limit or not self.top:
      return training
    return dataclasses.replace(training, minutes=(1 - SEARCH_SHARE) * self.minutes / self.top)


DEFAULT = SearchOptions()
