# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SUB."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import add, base, cells, elementwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import AddParams


@base.register(
  'SUB',
  elementwise.constraint_two_int8_inputs,
  elementwise.constraint_broadcast,
  add.constraint_output_scale,
  base.constraint_fused_activation,
  base.constraint_clamp,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of two maps, or of a map and a broadcast map or constant"""
  first, second, out = elementwise.quantizations(op)
  # Unlike ADD, SUB divides in float32 (CalculateOpDataSub).
  twice_max = 2 * max(first.scale, second.scale)
  inputs = [
    quantize.quantize_multiplier(quantize.float_quotient(q.scale, twice_max))
    for q in (first, second)
  ]
  output = quantize.quantize_multiplier(
    quantize.float_quotient(twice_max, (1 << add.LEFT_SHIFT) * out.scale)
  )
  clamp = quantize.activation_range(op.option('fusedActivationFunction'), out.scale, out.zero_point)

  params = AddParams(
    input_multiplier=(inputs[0][0], inputs[1][0]),
    input_shift=(inputs[0][1], inputs[1][1]),
    output_multiplier=output[0],
    output_shift=output[1],
    left_shift=add.LEFT_SHIFT,
    output_zero_point=out.zero_point,
    act_min=clamp[0],
    act_max=clamp[1],
  )

  elementwise.lower(op, builder, program.Kind.SUB, params)
