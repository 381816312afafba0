# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Milliseconds from instructions: estimates, never measurements.

An emulator counts instructions, not cycles. What lies between is assumed here,
one number per core: memory without wait states, as in tightly coupled memory or
behind a warm cache. Loads, multiplications and taken branches of a Cortex-M4 and M33 take
one to three cycles; a Cortex-M7 issues up to two instructions a cycle; a vector
instruction of a Cortex-M55 takes two beats of a cycle each.
"""

from __future__ import annotations

import dataclasses

from tflm_patch import targets
from tflm_patch.bench import cpus
from tflm_patch.errors import TflmPatchError
from tflm_patch.targets import Target

CYCLES_PER_INSTRUCTION = {
  'cortex-m4': 1.3,
  'cortex-m7': 0.8,
  'cortex-m33': 1.3,
  'cortex-m55': 1.4,
  'riscv32': 1.3,
}


@dataclasses.dataclass(frozen=True)
class Estimate:
  """An inference on a chip, estimated.

  Attributes:
    target: The chip's name.
    clock_hz: Its highest clock.
    cycles_per_instruction: Assumed.
    milliseconds: instructions * cycles_per_instruction / clock_hz.
  """

  target: str
  clock_hz: int
  cycles_per_instruction: float
  milliseconds: float


def estimates(instructions: int, cpu: str, chips: list[Target] | None = None) -> list[Estimate]:
  """Estimates for chips with a core; those that are known, or the ones given."""
  found = []
  for chip in targets.all_targets() if chips is None else chips:
    if core_of(chip) == cpu:
      assumed = CYCLES_PER_INSTRUCTION[cpu]
      milliseconds = 1e3 * instructions * assumed / chip.clock_hz
      found.append(Estimate(chip.name, chip.clock_hz, assumed, milliseconds))
  return found


def core_of(chip: Target) -> str | None:
  """The core that stands for a chip's, None when there is none."""
  try:
    return cpus.find(chip.cpu).name
  except TflmPatchError:
    return None
