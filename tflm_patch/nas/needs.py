# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a candidate needs, and under which schedule."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any


class Schedule(str, enum.Enum):
  """How a candidate is converted: options of `tflm-patch convert`, what costs least first."""

  PLAIN = 'plain'  # as without options
  SLOWER = 'slower'  # --arena LIMIT: plans that take more time, but no more work
  ROWS = 'rows'  # --input-rows N: the input is never held whole
  ROWS_SLOWER = 'rows, slower'  # both

  @property
  def feeds_rows(self) -> bool:
    """Whether the model takes its input in bands of rows."""
    return self in (Schedule.ROWS, Schedule.ROWS_SLOWER)

  @property
  def may_be_slower(self) -> bool:
    """Whether plans are made for the limit of the arena."""
    return self in (Schedule.SLOWER, Schedule.ROWS_SLOWER)


@dataclasses.dataclass(frozen=True)
class Needs:
  """What a candidate's conversion needs; arenas are to the byte those that TFLM will report.

  Attributes:
    schedule: How it is converted.
    arena: Bytes of arena.
    arena_required: Bytes in which TFLM can prepare the model; a few more for tiny ones.
    flash: Bytes of the converted file, within 1 % of a trained network's.
    macs: Multiply-accumulates of an inference.
    instructions: By a core's cost model; None where that is not known.
    milliseconds: Estimated from them and the chip's clock.
    millijoules: Estimated from milliseconds and the power that was given.
    bound_by: What needs the most memory.
  """

  schedule: Schedule
  arena: int
  arena_required: int
  flash: int
  macs: int
  instructions: int | None = None
  milliseconds: float | None = None
  millijoules: float | None = None
  bound_by: str = ''

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return {**dataclasses.asdict(self), 'schedule': self.schedule.value}
