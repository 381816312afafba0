# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a plan may cost and what it is to be good at."""

from __future__ import annotations

import dataclasses
import enum
from typing import TypeVar

from tflm_patch.cost.memories import Memories
from tflm_patch.errors import TflmPatchError


class Objective(str, enum.Enum):
  """What a plan is to have little of."""

  ARENA = 'arena'
  CALLS = 'calls'
  CYCLES = 'cycles'


class Schedule(str, enum.Enum):
  """How a stage runs."""

  AUTO = 'auto'
  LAYER = 'layer'
  STREAM = 'stream'
  PATCH = 'patch'


@dataclasses.dataclass(frozen=True)
class PlanOptions:
  """Budget and objective of a plan.

  Attributes:
    arena_bytes: The whole model's arena must not exceed this; the fastest plan
      that fits is taken. None for no limit.
    minimize: The arena; or the kernel calls of plans that are still below the stock
      model's arena; or the predicted cycles of plans that are not above it. CALLS only
      without a limit. An `Objective` or its value.
    allow_slower: A stage may be rewritten so that it needs less memory and more time,
      though not more multiply-accumulates. Always so with a limit or with max_overhead
      above 1.
    max_overhead: Multiply-accumulates may grow to this multiple of the model's.
    balance: Of a stage that is fed by bands of rows, the work of the longest invocation is
      to be small, in the limit, or in the stock model's arena without one.
    schedule: AUTO searches where to cut; LAYER runs operator by operator; STREAM
      runs the whole stage as one stream; PATCH runs its first operators patch by
      patch. A `Schedule` or its value.
    grid: Rows and columns of patches, for PATCH.
    patch_depth: How many operators run in patches; None for the number that
      needs the least memory.
    memories: The target has fast memory beside the arena: the plan of the fewest predicted
      cycles, with accesses to both counted, that fits both is taken. None for one memory.
    cpu: A core with a cost table, whose cycles count where there are two memories.
    brief: Spend little time on layouts: what is found may be a little larger.

  Raises:
    TflmPatchError: no objective or schedule has this name.
  """

  arena_bytes: int | None = None
  minimize: Objective = Objective.ARENA
  allow_slower: bool = False
  max_overhead: float = 1.0
  balance: bool = False
  schedule: Schedule = Schedule.AUTO
  grid: tuple[int, int] = (4, 4)
  patch_depth: int | None = None
  memories: Memories | None = None
  cpu: str = 'cortex-m4'
  brief: bool = False

  def __post_init__(self) -> None:
    object.__setattr__(self, 'minimize', _choice(Objective, self.minimize, 'minimize'))
    object.__setattr__(self, 'schedule', _choice(Schedule, self.schedule, 'schedule'))

  @property
  def may_be_slower(self) -> bool:
    """Whether a stage may be rewritten so that it is smaller and slower."""
    return self.allow_slower or self.max_overhead > 1.0 or self.arena_bytes is not None


_Choice = TypeVar('_Choice', bound=enum.Enum)


def _choice(choices: type[_Choice], value: object, option: str) -> _Choice:
  try:
    return choices(value)
  except ValueError:
    known = ', '.join(str(choice.value) for choice in choices)
    raise TflmPatchError(f'{option} cannot be {value!r}; choose one of {known}') from None


DEFAULT = PlanOptions()
