# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MUL."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, conv, elementwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import MulParams

_KINDS = {DType.INT8: program.Kind.MUL, DType.INT16: program.Kind.MUL_S16}


@base.register(
  'MUL',
  elementwise.constraint_two_integer_inputs,
  elementwise.constraint_broadcast,
  base.constraint_multiplier,
  base.constraint_fused_activation,
  base.constraint_clamp,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of two maps, or of a map and a broadcast map or constant (squeeze-excite)"""
  first, second, out = elementwise.quantizations(op)
  multiplier, shift = quantize.quantize_multiplier(first.scale * second.scale / out.scale)
  clamp = conv.clamp_of(op)

  params = MulParams(
    output_multiplier=multiplier,
    output_shift=shift,
    output_zero_point=out.zero_point,
    act_min=clamp[0],
    act_max=clamp[1],
  )

  elementwise.lower(op, builder, _KINDS[op.output().dtype], params)
