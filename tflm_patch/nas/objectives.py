# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a search is to find: limits that every candidate keeps, and axes that are compared."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from tflm_patch import cost, targets
from tflm_patch.architecture.text import unknown
from tflm_patch.bench.estimate import estimates
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.costs import COSTS, PLAIN_COSTS
from tflm_patch.nas.needs import Needs, Schedule
from tflm_patch.targets import Target


@dataclasses.dataclass(frozen=True)
class Missed:
  """A limit that a candidate does not keep.

  Attributes:
    name: Of the cost.
    value, limit: In its unit.
  """

  name: str
  value: float
  limit: float

  @property
  def share(self) -> float:
    """By which part of the limit it is exceeded."""
    return self.value / self.limit - 1

  def __str__(self) -> str:
    kind = COSTS[self.name]
    if math.isinf(self.value):
      return f'{kind.title} that cannot be told, as not all operators are in stages'
    over = kind.text(self.value - self.limit)
    return f'{kind.title} {kind.text(self.value)}, {over} above {kind.text(self.limit)}'


@dataclasses.dataclass(frozen=True)
class Objectives:
  """What counts.

  Attributes:
    limits: Of costs, by name; see `COSTS`. None where there is no limit.
    axes: Costs that are compared beside the fitness.
    chip: Whose core's instructions and milliseconds are estimated.
    milliwatts: What the chip takes while it computes, of its data sheet: for millijoules.
    input_rows: A model may take its input in bands of so many rows where it does not fit
      otherwise; None: never.
    allow_slower: Plans that take more time, but no more multiply-accumulates, may be used
      where nothing else fits.

  Raises:
    SpecError: a cost has no such name.
    TflmPatchError: a limit means nothing, or what it limits is not known of the chip.
  """

  limits: Mapping[str, float] = dataclasses.field(default_factory=dict)
  axes: tuple[str, ...] = ('arena', 'flash', 'macs')
  chip: Target | None = None
  milliwatts: float | None = None
  input_rows: int | None = None
  allow_slower: bool = False

  def __post_init__(self) -> None:
    for name in (*self.limits, *self.axes):
      if name not in COSTS:
        raise unknown(name, 'cost', COSTS)
      if name not in PLAIN_COSTS:
        self._check_known(name)
    for name, limit in self.limits.items():
      if not (limit > 0 and math.isfinite(limit)):
        raise TflmPatchError(f'{name} {limit}: a limit is above 0')
    if self.milliwatts is not None and not (self.milliwatts > 0 and math.isfinite(self.milliwatts)):
      raise TflmPatchError(f'{self.milliwatts} milliwatts: power is above 0')
    if self.input_rows is not None and self.input_rows < 1:
      raise TflmPatchError(f'{self.input_rows} rows of the input: give 1 or more')
    if self.allow_slower and 'arena' not in self.limits:
      raise TflmPatchError('slower plans are made for a limit of the arena; give one')

  @classmethod
  def of(
    cls,
    target: Target | str | os.PathLike[str] | None = None,
    axes: Sequence[str] = ('arena', 'flash', 'macs'),
    milliwatts: float | None = None,
    input_rows: int | None = None,
    allow_slower: bool = False,
    **limits: float | None,
  ) -> Objectives:
    """Objectives; a chip gives the limits of arena and flash that are not given.

    Args:
      target: A chip, its name, or the path of a file that describes one.
      axes, milliwatts, input_rows, allow_slower: See the class.
      **limits: `arena`, `flash`, ...: see `COSTS`; None for no limit.
    """
    chip = None
    if target is not None:
      chip = target if isinstance(target, Target) else targets.load(target)
      limits.setdefault('arena', None)
      limits.setdefault('flash', None)
      if limits['arena'] is None:
        limits['arena'] = chip.sram_contiguous_bytes
      if limits['flash'] is None:
        limits['flash'] = chip.flash_bytes
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return cls(given, tuple(axes), chip, milliwatts, input_rows, allow_slower)

  @property
  def core(self) -> str | None:
    """The core whose instructions are predicted; None for none."""
    return None if self.chip is None else cost.core_of(self.chip.cpu)

  @property
  def schedules(self) -> tuple[Schedule, ...]:
    """Those that may be used, what costs least first."""
    found = [Schedule.PLAIN]
    if self.allow_slower:
      found.append(Schedule.SLOWER)
    if self.input_rows is not None:
      found.append(Schedule.ROWS)
      if self.allow_slower:
        found.append(Schedule.ROWS_SLOWER)
    return tuple(found)

  def limit(self, name: str) -> float | None:
    """The limit of a cost; None for none."""
    return self.limits.get(name)

  def missed(self, needs: Needs) -> list[Missed]:
    """The limits that a candidate does not keep; what is not known keeps none."""
    found = []
    for name, limit in self.limits.items():
      value = COSTS[name].value(needs)
      if value is None or value > limit:
        found.append(Missed(name, math.inf if value is None else value, limit))
    return found

  def values(self, needs: Needs) -> dict[str, float | None]:
    """All costs of a candidate by name."""
    return {name: each.value(needs) for name, each in COSTS.items()}

  def estimated(self, needs: Needs) -> Needs:
    """With milliseconds and millijoules, where they can be estimated."""
    if self.chip is None or self.core is None or needs.instructions is None:
      return needs
    found = estimates(needs.instructions, self.core, [self.chip])
    if not found:
      return needs
    milliseconds = found[0].milliseconds
    power = self.milliwatts
    energy = None if power is None else milliseconds * power / 1000
    return dataclasses.replace(needs, milliseconds=milliseconds, millijoules=energy)

  def to_json(self) -> dict[str, Any]:
    """For machines, and to tell searches apart."""
    return {
      'limits': dict(self.limits),
      'axes': list(self.axes),
      'target': None if self.chip is None else self.chip.name,
      'milliwatts': self.milliwatts,
      'input_rows': self.input_rows,
      'allow_slower': self.allow_slower,
    }

  def _check_known(self, name: str) -> None:
    """Whether a figure that takes a cost model can be told."""
    if self.chip is None:
      raise TflmPatchError(f'{name} are those of a chip; name one with target')
    if self.core is None:
      known = ', '.join(cost.known_cpus())
      raise TflmPatchError(
        f'{self.chip.name}: {name} of {self.chip.cpu} are not predicted (known are {known}); '
        'use macs instead'
      )
    if name == 'millijoules' and self.milliwatts is None:
      raise TflmPatchError(
        'millijoules need the power that the chip takes while it computes: give milliwatts, of '
        'its data sheet'
      )
