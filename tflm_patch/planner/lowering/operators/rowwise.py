# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators that compute each row from the input's row of the same number."""

from __future__ import annotations

from collections.abc import Sequence

from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import InPlace, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program.params import Params
from tflm_patch.program.records import Kind


def append(
  op: OpView,
  builder: StageBuilder,
  kind: Kind,
  params: Params | None = None,
  is_in_place: bool = True,
  states: Sequence[int] = (),
) -> None:
  """Appends one that reads the operator's first input and makes its output.

  Args:
    op: The operator.
    builder: Of the stage.
    kind: Of what is appended.
    params: Its parameters; None for a kind without any.
    is_in_place: Whether values may be written over those that they are made of.
    states: Positions of its states among the inputs.
  """
  source = builder.read(op.operator.inputs[0])
  kept = [builder.keep(op.operator.inputs[i]) for i in states]
  target = builder.make(op.operator.outputs[0])
  count = builder.map(target).rows
  builder.add(
    op,
    StageOp(
      kind=kind,
      inputs=(source,),
      outputs=(target, *kept),
      steps=count,
      reads=(rows.same_row(count, count),),
      params=params,
      in_place=(InPlace(0),) if is_in_place else (),
    ),
  )
