# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How the work of a stage that is fed by bands of rows spreads over its invocations."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from tflm_patch.planner.stage_plan import StagePlan
from tflm_patch.planner.work import predict
from tflm_patch.program.records import PAUSE


@dataclasses.dataclass(frozen=True)
class Invocations:
  """The predicted work of the invocations of an inference: cycles, or instructions.

  Attributes:
    number: Of invocations.
    longest: Work of the one that takes most.
    total: Work of all.
  """

  number: int
  longest: int
  total: int


def longest_invocation(plan: StagePlan, cpu: str) -> Invocations:
  """How much of a stage's work one invocation takes.

  Args:
    plan: The stage's plan.
    cpu: One of `cost.known_cpus`.
  """
  found = predict(plan, cpu)
  bands = work_by_band(plan, found.operator_cycles or found.operators)
  rest = found.work - sum(bands)  # the executor's, by and large alike in all
  return Invocations(len(bands), round(max(bands) + rest / len(bands)), found.work)


def work_by_band(plan: StagePlan, operators: Sequence[float]) -> list[float]:
  """The work of every invocation of an inference; one where the input comes whole.

  Args:
    plan: The stage's plan.
    operators: Work of each operator in an inference; it is taken to be the same for each
      of its steps.
  """
  steps = [step for segment in plan.segments for step in segment.steps]
  counts: Counter[int] = Counter()
  for op, _, count in steps:
    counts[op] += count
  found = [0.0]
  for op, _, count in steps:
    if op == PAUSE:
      found.append(0.0)
    elif count:
      found[-1] += operators[op] * count / counts[op]
  return found
