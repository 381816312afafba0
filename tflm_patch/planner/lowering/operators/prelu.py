# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""PRELU."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, elementwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import PreluParams


@base.register(
  'PRELU',
  elementwise.constraint_two_int8_inputs,
  elementwise.constraint_broadcast,
  base.constraint_scale_ratio,
  base.constraint_multiplier,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """With slopes per channel, or of any shape that is broadcast"""
  first, slope, out = elementwise.quantizations(op)
  pairs = [
    quantize.quantize_multiplier(first.scale / out.scale),
    quantize.quantize_multiplier(first.scale * slope.scale / out.scale),
  ]

  params = PreluParams(
    multiplier=(pairs[0][0], pairs[1][0]),
    shift=(pairs[0][1], pairs[1][1]),
    output_zero_point=out.zero_point,
  )

  elementwise.lower(op, builder, program.Kind.PRELU, params)
