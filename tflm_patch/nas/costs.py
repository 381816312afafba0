# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a candidate costs on a chip: figures that may be limits or axes of a search."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tflm_patch.nas.needs import Needs


@dataclasses.dataclass(frozen=True)
class Cost:
  """A figure; less is better.

  Attributes:
    name: As a limit and as an axis.
    unit: After numbers, with a space before it; '' for none.
    title: In tables and charts.
    value: Of a candidate; None where it is not known.
    is_estimate: Whether it is assumed rather than known: never a measurement.
  """

  name: str
  unit: str
  title: str
  value: Callable[[Needs], float | None]
  is_estimate: bool = False

  def text(self, value: float) -> str:
    """A value with its unit."""
    number = f'{value:,.3g}' if self.is_estimate and value < 1000 else f'{value:,.0f}'
    return f'{number}{self.unit}'


COSTS: dict[str, Cost] = {
  cost.name: cost
  for cost in (
    Cost('arena', ' bytes', 'arena', lambda needs: needs.arena_required),
    Cost('flash', ' bytes', 'flash', lambda needs: needs.flash),
    Cost('macs', '', 'MACs', lambda needs: needs.macs),
    Cost('instructions', '', 'instructions (cost model)', lambda needs: needs.instructions),
    Cost('milliseconds', ' ms', 'milliseconds (estimate)', lambda needs: needs.milliseconds, True),
    Cost('millijoules', ' mJ', 'millijoules (estimate)', lambda needs: needs.millijoules, True),
  )
}
# Of these the engine's plain answer says everything; the others need its whole search.
PLAIN_COSTS = ('arena', 'flash', 'macs')
