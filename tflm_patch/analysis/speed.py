# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a converted model is predicted to take on a core."""

from __future__ import annotations

import dataclasses

from tflm_patch import cost
from tflm_patch.api import ConversionResult
from tflm_patch.cost import clock
from tflm_patch.cost.memories import Memories
from tflm_patch.planner.bands import longest_invocation
from tflm_patch.planner.work import predict, waiting_cycles


@dataclasses.dataclass(frozen=True)
class PredictedSpeed:
  """Of the stages of a model; what TFLM runs itself is not in it.

  Attributes:
    cpu: The core.
    instructions: Of an inference.
    cycles: See `cost.clock.cycles_of`.
    milliseconds: At the chip's highest clock; None without a chip.
    invocations: That make up an inference, more than one where rows of the input go in.
    longest_cycles: Of the invocation that takes most.
    longest_milliseconds: Likewise.
    whole: Whether the stages are the whole model.
  """

  cpu: str
  instructions: int
  cycles: int
  milliseconds: float | None
  invocations: int
  longest_cycles: int
  longest_milliseconds: float | None
  whole: bool


def speed_of(
  result: ConversionResult,
  cpu: str | None,
  clock_hz: int | None = None,
  memories: Memories | None = None,
) -> PredictedSpeed | None:
  """The speed of a conversion; None without stages, or for a core that is not known.

  Args:
    result: The conversion.
    cpu: The core.
    clock_hz: Of the chip.
    memories: What accesses to memory cost; None for memory that does not wait.
  """
  if not result.stages or cpu is None or cpu not in cost.known_cpus():
    return None
  instructions = cycles = longest = 0
  invocations = 1
  for stage in result.stages:
    found = predict(stage.plan, cpu)
    bands = longest_invocation(stage.plan, cpu)
    of_stage = clock.cycles_of(found, cpu)
    of_stage += 0 if memories is None else waiting_cycles(stage.plan, memories)
    instructions += found.instructions
    cycles += of_stage
    # A stage that is not fed runs in one piece, behind the last row of one that is.
    longest += round(of_stage * bands.longest / max(bands.total, 1))
    invocations = max(invocations, bands.number)
  return PredictedSpeed(
    cpu=cpu,
    instructions=instructions,
    cycles=cycles,
    milliseconds=None if clock_hz is None else clock.milliseconds(cycles, clock_hz),
    invocations=invocations,
    longest_cycles=longest,
    longest_milliseconds=None if clock_hz is None else clock.milliseconds(longest, clock_hz),
    whole=len(result.stages) == len(result.model.main.operators),
  )
