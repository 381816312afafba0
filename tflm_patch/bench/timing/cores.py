# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The cores whose cycles can be told from what they execute."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tflm_patch.bench.timing import cortex_m4
from tflm_patch.bench.timing.disassembly import Instruction


@dataclasses.dataclass(frozen=True)
class CoreTiming:
  """The timing of a core.

  Attributes:
    source: Where it is from.
    cycles: Of an instruction behind another one, without refills.
    refill: Cycles of refilling the pipeline behind a taken branch: least, assumed, most.
  """

  source: str
  cycles: Callable[[Instruction, Instruction | None], int]
  refill: tuple[int, int, int]


# Cortex-M7 and M55 issue two instructions, or beats of several, at once, and Arm publishes
# no timings of them: there is none here.
TIMINGS = {
  'cortex-m4': CoreTiming(
    source='Cortex-M4 Technical Reference Manual r0p1', cycles=cortex_m4.cycles, refill=(1, 2, 3)
  ),
  'cortex-m33': CoreTiming(
    source='timings of the Cortex-M4; Arm publishes none of the Cortex-M33',
    cycles=cortex_m4.cycles,
    refill=(1, 2, 3),
  ),
}
