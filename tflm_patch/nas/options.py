# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How a search runs."""

from __future__ import annotations

import dataclasses
import enum
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

# Of the rate of finalists that begin with weights which were learned.
_INHERITED_RATE = 0.2


class Finalists(str, enum.Enum):
  """What finalists begin with."""

  INHERITED = 'inherited'  # with the weights of the fitness, where it has some
  SCRATCH = 'scratch'  # by chance


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
class Prefilter:
  """A zero-cost proxy that chooses what is judged.

  Attributes:
    proxy: A name of `PROXIES`.
    of: Candidates that are drawn for each that is judged: the best of them by the proxy.

  Raises:
    TflmPatchError: it chooses among fewer than two.
  """

  proxy: str
  of: int = 8

  def __post_init__(self) -> None:
    if self.of < 2:
      raise TflmPatchError(f'a prefilter chooses among 2 candidates or more, not {self.of}')


@dataclasses.dataclass(frozen=True)
class SearchOptions:
  """How a search runs.

  Attributes:
    strategy: A name of `STRATEGIES`.
    settings: Of the strategy, like `population`.
    fitness: A name of `FITNESS`, or what makes one from the examples.
    effort: What judging one candidate may cost.
    prefilter: Of evolution, aging and random: a proxy that chooses what is judged; None for
      none.
    trials: Candidates that are judged, at most; None for 100, or without limit where
      minutes of either kind are given.
    minutes: Of wall time, resumed runs added up: six tenths for candidates, the rest for
      the finalists.
    cpu_minutes: Of this process's CPU time, divided likewise: a busy machine does the same
      search, only later. With the engine ray it says nothing, and is refused.
    first_stage: Networks of every resolution and width of the space that are checked first,
      to search the most promising of them alone (TinyNAS); 0 to search the whole space.
    seed: Of everything. The same seed and the same number of trials give the same
      candidates; with one thread of the effort the same scores, too.
    top: Finalists; 0 for none.
    training: Of the finalists, but for its seed; limits here go before those of the search.
    finalists: A `Finalists` or its value: where the fitness is `supernet` they begin with the
      weights that they inherit, with a fifth of the learning rate, or from scratch.
    distill: Part of the loss of finalists that is against what the largest network of the supernet
      says, from 0 to 1; with the fitness `supernet` and the engine local.
    engine: Where all of it is done; a search may be resumed with another one.

  Raises:
    TflmPatchError: a value that means nothing.
  """

  strategy: str = 'evolution'
  settings: Mapping[str, float] = dataclasses.field(default_factory=dict)
  fitness: FitnessChoice = 'trained'
  effort: Effort = DEFAULT_EFFORT
  prefilter: Prefilter | None = None
  trials: int | None = None
  minutes: float | None = None
  cpu_minutes: float | None = None
  first_stage: int = 0
  seed: int = 1
  top: int = 1
  training: TrainOptions = DEFAULT_TRAINING
  engine: EngineOptions = LOCAL
  finalists: Finalists = Finalists.INHERITED
  distill: float = 0.0

  def __post_init__(self) -> None:
    try:
      object.__setattr__(self, 'finalists', Finalists(self.finalists))
    except ValueError:
      known = ', '.join(each.value for each in Finalists)
      raise TflmPatchError(
        f'finalists cannot be {self.finalists!r}; choose one of {known}'
      ) from None
    for name in ('trials', 'minutes', 'cpu_minutes'):
      value = getattr(self, name)
      if value is not None and not (value > 0 and math.isfinite(value)):
        raise TflmPatchError(f'{name} is {value}; it must be above 0')
    for name in ('seed', 'first_stage', 'top'):
      if getattr(self, name) < 0:
        raise TflmPatchError(f'{name} is {getattr(self, name)}; it must not be below 0')
    if not 0 <= self.distill <= 1:
      raise TflmPatchError(f'distill is {self.distill}; it is from 0 to 1')
    if self.distill and self.engine.name != LOCAL.name:
      raise TflmPatchError(
        f'the supernet cannot teach on the machines of the engine {self.engine.name}; leave '
        'distill out, or use the engine local'
      )
    if self.cpu_minutes is not None and self.engine.name != LOCAL.name:
      raise TflmPatchError(
        f'CPU minutes are those of this process, not of the engine {self.engine.name}; limit '
        'minutes or trials'
      )

  @property
  def has_time(self) -> bool:
    """Whether time is limited, of either kind."""
    return self.minutes is not None or self.cpu_minutes is not None

  @property
  def most_trials(self) -> float:
    """The limit of trials; infinite where only time is limited."""
    if self.trials is not None:
      return self.trials
    return math.inf if self.has_time else DEFAULT_TRIALS

  @property
  def fitness_name(self) -> str:
    """In tables and state files."""
    if isinstance(self.fitness, str):
      return self.fitness
    return getattr(self.fitness, '__name__', type(self.fitness).__name__)

  def progress(self, trials: int, seconds: float, cpu_seconds: float) -> float:
    """How far the search for candidates is, from 0 to 1.

    Args:
      trials: Judged.
      seconds: Of wall time used.
      cpu_seconds: Of CPU time used.
    """
    shares = [trials / self.most_trials]
    if self.minutes is not None:
      shares.append(seconds / (60 * SEARCH_SHARE * self.minutes))
    if self.cpu_minutes is not None:
      shares.append(cpu_seconds / (60 * SEARCH_SHARE * self.cpu_minutes))
    return min(max(shares), 1.0)

  @property
  def final_training(self) -> TrainOptions:
    """Of each finalist."""
    training = dataclasses.replace(self.training, seed=self.seed, threads=self.effort.threads)
    has_limit = any(
      limit is not None for limit in (training.epochs, training.minutes, training.cpu_minutes)
    )
    if not self.has_time or has_limit or not self.top:
      return training
    return dataclasses.replace(
      training,
      minutes=self.of_finalist(self.minutes),
      cpu_minutes=self.of_finalist(self.cpu_minutes),
    )

  @property
  def inherited_training(self) -> TrainOptions:
    """Of each finalist that begins with learned weights."""
    final = self.final_training
    return dataclasses.replace(final, learning_rate=_INHERITED_RATE * final.rate)

  def of_finalist(self, minutes: float | None) -> float | None:
    """What one finalist has of the minutes of all."""
    return None if minutes is None else (1 - SEARCH_SHARE) * minutes / self.top


DEFAULT = SearchOptions()
