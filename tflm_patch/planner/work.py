# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the operators of a plan have to do, for the cost model."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable

from tflm_patch import cost
from tflm_patch.cost import clock
from tflm_patch.cost.memories import Memories
from tflm_patch.cost.work import OperatorWork, operator_work
from tflm_patch.planner.stage_plan import StagePlan
from tflm_patch.planner.two_memories import accesses
from tflm_patch.program.fields import scalars


def work_of_plan(plan: StagePlan) -> list[OperatorWork]:
  """The operators of a plan; equals `work_of_program` of its program."""
  calls = Counter(op for segment in plan.segments for op, _, count in segment.steps if count)
  return [
    operator_work(
      op.kind,
      {} if op.params is None else scalars(op.params),
      plan.graph.maps[op.inputs[0]].shape,
      plan.graph.maps[op.outputs[0]].shape,
      calls[i],
      0 if scratch is None else scratch.bytes,
    )
    for i, (op, scratch) in enumerate(zip(plan.graph.ops, plan.scratch))
  ]


def predict(plan: StagePlan, cpu: str) -> cost.CostPrediction:
  """Instructions and cycles of a stage in memory that does not wait.

  Args:
    plan: The stage's plan.
    cpu: Name of a core, one of `cost.known_cpus`.

  Raises:
    TflmPatchError: there are no coefficients for the core.
  """
  return cost.predict_work(work_of_plan(plan), cost.load(cpu))


def waiting_cycles(plan: StagePlan, memories: Memories) -> int:
  """What a stage is predicted to wait for its memories, beyond a cycle an access."""
  return round(accesses.of_plan(plan, work_of_plan(plan)).cycles(memories))


@dataclasses.dataclass(frozen=True)
class Speed:
  """What the stages of a model are predicted to take on a core.

  Attributes:
    instructions: Executed.
    cycles: See `cost.clock.cycles_of`.
  """

  instructions: int
  cycles: int

  def milliseconds(self, clock_hz: int) -> float:
    """At a clock."""
    return clock.milliseconds(self.cycles, clock_hz)


def speed(plans: Iterable[StagePlan], cpu: str, memories: Memories | None = None) -> Speed:
  """What several stages take.

  Args:
    plans: Of the stages.
    cpu: Name of a core.
    memories: What accesses cost; None for memory that does not wait.

  Raises:
    TflmPatchError: there are no coefficients for the core.
  """
  instructions = cycles = 0
  for plan in plans:
    prediction = predict(plan, cpu)
    instructions += prediction.instructions
    cycles += clock.cycles_of(prediction, cpu)
    cycles += 0 if memories is None else waiting_cycles(plan, memories)
  return Speed(instructions, cycles)
