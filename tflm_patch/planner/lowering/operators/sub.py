# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SUB."""

from __future__ import annotations

from tflm_patch.graph.types import DType
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import add, base, cells, elementwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program

_KINDS = {DType.INT8: program.Kind.SUB, DType.INT16: program.Kind.SUB_S16}


@base.register(
  'SUB',
  elementwise.constraint_two_integer_inputs,
  elementwise.constraint_broadcast,
  add.constraint_output_scale,
  base.constraint_fused_activation,
  base.constraint_clamp,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of two maps, or of a map and a broadcast map or constant"""
  elementwise.lower(op, builder, _KINDS[op.output().dtype], add.parameters(op))
