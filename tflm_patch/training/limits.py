# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a model may take, and by how much it takes more."""

from __future__ import annotations

import dataclasses
import os

from tflm_patch import cost, targets
from tflm_patch.conversion.fit_types import Fit
from tflm_patch.conversion.judge import DEFAULT_CPU
from tflm_patch.errors import TflmPatchError
from tflm_patch.targets import Target

_UNITS = {'arena': ' bytes', 'flash': ' bytes', 'macs': '', 'instructions': ''}
_TITLES = {'arena': 'arena', 'flash': 'flash', 'macs': 'MACs', 'instructions': 'instructions'}


@dataclasses.dataclass(frozen=True)
class Excess:
  """A limit that is not kept.

  Attributes:
    what: 'arena', 'flash', 'macs' or 'instructions'.
    value, limit: In bytes or counts.
  """

  what: str
  value: int
  limit: int

  @property
  def share(self) -> float:
    """By which part of the limit it is exceeded."""
    return self.value / self.limit - 1

  def __str__(self) -> str:
    unit = _UNITS[self.what]
    return (
      f'{_TITLES[self.what]} {self.value:,}{unit} where {self.limit:,} may be: '
      f'{self.value - self.limit:,} too many'
    )


@dataclasses.dataclass(frozen=True)
class Limits:
  """What a model may take as `tflm-patch convert` makes it; None for no limit.

  Attributes:
    arena: Bytes in which TFLM can prepare the model.
    flash: Bytes of the converted file; kernels are not counted.
    macs: Multiply-accumulates of an inference.
    instructions: Predicted for `cpu`.
    cpu: A core with a cost model.
  """

  arena: int | None = None
  flash: int | None = None
  macs: int | None = None
  instructions: int | None = None
  cpu: str = DEFAULT_CPU

  def __post_init__(self) -> None:
    for what in _TITLES:
      limit = getattr(self, what)
      if limit is not None and limit < 1:
        raise TflmPatchError(f'{what} {limit}: a limit is at least 1')
    if self.cpu not in cost.known_cpus():
      raise TflmPatchError(
        f'instructions of "{self.cpu}" are not predicted; known are {", ".join(cost.known_cpus())}'
      )

  @classmethod
  def of(
    cls,
    arena: int | None = None,
    flash: int | None = None,
    macs: int | None = None,
    instructions: int | None = None,
    target: Target | str | os.PathLike[str] | None = None,
  ) -> Limits:
    """Limits; a chip gives its core, and the arena and the flash that are not given.

    Args:
      arena, flash, macs, instructions: See the class.
      target: A chip, its name, or the path of a file that describes one.

    Raises:
      TflmPatchError: unknown chip; instructions of a core without a cost model.
    """
    if target is None:
      return cls(arena, flash, macs, instructions)
    chip = target if isinstance(target, Target) else targets.load(target)
    core = cost.core_of(chip.cpu)
    if core is None and instructions is not None:
      raise TflmPatchError(
        f'{chip.name}: instructions of {chip.cpu} are not predicted; limit MACs instead'
      )
    return cls(
      chip.sram_contiguous_bytes if arena is None else arena,
      chip.flash_bytes if flash is None else flash,
      macs,
      instructions,
      core or DEFAULT_CPU,
    )

  @property
  def any(self) -> bool:
    """Whether there is a limit."""
    return any(getattr(self, what) is not None for what in _TITLES)

  def excesses(self, fit: Fit) -> list[Excess]:
    """The limits that a model does not keep.

    Raises:
      TflmPatchError: its instructions are limited and not known.
    """
    if self.instructions is not None and fit.instructions is None:
      raise TflmPatchError(
        'instructions cannot be predicted: not all operators are in stages; limit MACs instead'
      )
    values = {
      'arena': fit.arena_required,
      'flash': fit.flash,
      'macs': fit.macs,
      'instructions': fit.instructions,
    }
    found = []
    for what, value in values.items():
      limit = getattr(self, what)
      if limit is not None and value is not None and value > limit:
        found.append(Excess(what, value, limit))
    return found

  def pressure(self, fit: Fit) -> float:
    """Sum of the shares by which limits are exceeded; 0 when all are kept."""
    return sum(excess.share for excess in self.excesses(fit))
