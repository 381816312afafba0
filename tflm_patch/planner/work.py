# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the operators of a plan have to do, for the cost model."""

from __future__ import annotations

from collections import Counter

from tflm_patch import cost
from tflm_patch.cost.work import OperatorWork, operator_work
from tflm_patch.planner.stage_plan import StagePlan
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
  """Instructions of a stage.

  Args:
    plan: The stage's plan.
    cpu: Name of a core, one of `cost.known_cpus`.

  Raises:
    TflmPatchError: there are no coefficients for the core.
  """
  return cost.predict_work(work_of_plan(plan), cost.load(cpu))
