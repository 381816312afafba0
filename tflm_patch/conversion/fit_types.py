# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the constraint engine is asked, and what it answers."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any, TypedDict

from tflm_patch.planner.work import Speed
from tflm_patch.targets import Target


class Verdict(enum.Enum):
  """Whether it fits."""

  FITS = 'fits'
  TOO_LARGE = 'does not fit'


class Gear(enum.Enum):
  """How a verdict was found, and what the arena in it is then."""

  BOUND = 'bound'  # no plan can be below the arena that is given
  BRIEF = 'brief'  # there is a plan of the arena that is given; a search may find a smaller one
  FULL = 'full'  # the arena that the whole search finds


@dataclasses.dataclass(frozen=True)
class Budget:
  """What a model may take.

  Attributes:
    arena_bytes: Of RAM in one piece.
    flash_bytes: For the converted file; None for no limit.
    cpu: A core of `tflm_patch.cost` whose instructions are predicted; None for none.
    name: Of the chip.
    clock_hz: Its highest clock.
  """

  arena_bytes: int
  flash_bytes: int | None = None
  cpu: str | None = None
  name: str = ''
  clock_hz: int | None = None


@dataclasses.dataclass(frozen=True)
class Fit:
  """The answer.

  Attributes:
    target: Name of the chip.
    verdict: Of the model as `tflm-patch convert` makes it without further options.
    gear: How it was found.
    arena: Bytes of arena, as TFLM reports them; which they are depends on the gear.
    arena_required: Bytes in which TFLM can prepare the model; a few more for tiny ones.
    arena_limit: What the chip has for it, in one piece.
    flash: Bytes of the converted model; kernels are not counted.
    flash_limit: What the chip has; None where flash is external.
    macs: Multiply-accumulates of an inference.
    instructions: Predicted for the chip's core; None where that is not known.
    cycles: Predicted, or instructions times an assumed number where the core's timings
      are not published, see `cost.clock`.
    milliseconds: Of the cycles at the chip's highest clock.
    bound_by: What needs the most memory.
    option: Of `tflm-patch convert`: what makes it fit, '' when nothing must or can.
    option_arena: The arena with it.
    fast: Bytes that stages use beside the arena; 0 with one memory.
    fast_limit: That they may use.
  """

  target: str
  verdict: Verdict
  gear: Gear
  arena: int
  arena_required: int
  arena_limit: int
  flash: int
  flash_limit: int | None
  macs: int
  instructions: int | None = None
  cycles: int | None = None
  milliseconds: float | None = None
  bound_by: str = ''
  option: str = ''
  option_arena: int | None = None
  fast: int = 0
  fast_limit: int | None = None

  @property
  def fits(self) -> bool:
    return self.verdict is Verdict.FITS

  @property
  def spare_bytes(self) -> int:
    """Bytes of arena that are left; below 0 what is missing."""
    return self.arena_limit - self.arena_required

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    values = dataclasses.asdict(self)
    values['verdict'], values['gear'] = self.verdict.value, self.gear.value
    return {**values, 'fits': self.fits, 'spare_bytes': self.spare_bytes}


class SpeedFields(TypedDict):
  """The fields of a `Fit` that say how fast it is."""

  instructions: int | None
  cycles: int | None
  milliseconds: float | None


def speed_of(found: Speed | None, clock_hz: int | None) -> SpeedFields:
  """The fields of a `Fit` from what is predicted, None where that is not known."""
  if found is None:
    return SpeedFields(instructions=None, cycles=None, milliseconds=None)
  return SpeedFields(
    instructions=found.instructions,
    cycles=found.cycles,
    milliseconds=None if clock_hz is None else found.milliseconds(clock_hz),
  )


def budget_of(target: Target, core: str | None, reserve_bytes: int = 0) -> Budget:
  """What a chip offers.

  Args:
    target: The chip.
    core: Whose instructions are predicted.
    reserve_bytes: SRAM that is kept for everything else.
  """
  arena = target.sram_contiguous_bytes - reserve_bytes
  return Budget(arena, target.flash_bytes, core, target.name, target.clock_hz)
