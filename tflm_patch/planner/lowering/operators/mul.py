# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MUL."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, elementwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import MulParams


@base.register(
  'MUL',
  elementwise.constraint_two_int8_inputs,
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
  clamp = quantize.activation_range(op.option('fusedActivationFunction'), out.scale, out.zero_point)

  params = MulParams(
    output_multiplier=multiplier,
    output_shift=shift,
    output_zero_point=out.zero_point,
    act_min=clamp[0],
    act_max=clamp[1],
  )

  elementwise.lower(op, builder, program.Kind.MUL, params)
