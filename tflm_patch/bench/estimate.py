# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Milliseconds on chips: estimates, never measurements; see `cost.clock`."""

from __future__ import annotations

import dataclasses

from tflm_patch import targets
from tflm_patch.bench import cpus
from tflm_patch.cost.clock import CYCLES_PER_INSTRUCTION, milliseconds
from tflm_patch.errors import TflmPatchError
from tflm_patch.targets import Target


@dataclasses.dataclass(frozen=True)
class Estimate:
  """An inference on a chip, estimated.

  Attributes:
    target: The chip's name.
    clock_hz: Its highest clock.
    cycles: Modelled, or instructions times cycles_per_instruction.
    cycles_per_instruction: Assumed; of modelled cycles, what came out.
    milliseconds: cycles / clock_hz.
  """

  target: str
  clock_hz: int
  cycles: int
  cycles_per_instruction: float
  milliseconds: float


def estimates(
  instructions: int, cpu: str, chips: list[Target] | None = None, cycles: int | None = None
) -> list[Estimate]:
  """Estimates for chips with a core.

  Args:
    instructions: Of an inference.
    cpu: The core.
    chips: Which ones; None for those that are known.
    cycles: Modelled; None to assume them.
  """
  if cycles is None:
    cycles = round(instructions * CYCLES_PER_INSTRUCTION[cpu])
  ratio = cycles / instructions if instructions else CYCLES_PER_INSTRUCTION[cpu]
  return [
    Estimate(chip.name, chip.clock_hz, cycles, ratio, milliseconds(cycles, chip.clock_hz))
    for chip in (targets.all_targets() if chips is None else chips)
    if core_of(chip) == cpu
  ]


def core_of(chip: Target) -> str | None:
  """The core that stands for a chip's, None when there is none."""
  try:
    return cpus.find(chip.cpu).name
  except TflmPatchError:
    return None
