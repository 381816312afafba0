# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SQUARED_DIFFERENCE."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, elementwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import AddParams

LEFT_SHIFT = 7


def _output_factor(op: OpView) -> float:
  """PrepareQuantized of TFLM's squared_difference.cc, whose products are of doubles."""
  first, second, out = elementwise.quantizations(op)
  twice_max = 2.0 * max(first.scale, second.scale)
  return twice_max * twice_max / ((1 << LEFT_SHIFT * 2) * out.scale)


def constraint_output_scale(op: OpView) -> str | None:
  """The square of twice the larger input scale over the output scale is below 2^14"""
  return None if _output_factor(op) < 1 else f'{_output_factor(op):g}'


@base.register(
  'SQUARED_DIFFERENCE',
  elementwise.constraint_two_int8_inputs,
  elementwise.constraint_broadcast,
  constraint_output_scale,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of two maps, or of a map and a broadcast map or constant"""
  first, second, out = elementwise.quantizations(op)
  twice_max = 2.0 * max(first.scale, second.scale)
  inputs = [quantize.quantize_multiplier(q.scale / twice_max) for q in (first, second)]
  output = quantize.quantize_multiplier(_output_factor(op))

  params = AddParams(
    input_multiplier=(inputs[0][0], inputs[1][0]),
    input_shift=(inputs[0][1], inputs[1][1]),
    output_multiplier=output[0],
    output_shift=output[1],
    left_shift=LEFT_SHIFT,
    output_zero_point=out.zero_point,
    act_min=quantize.INT8_MIN,
    act_max=quantize.INT8_MAX,
  )

  elementwise.lower(op, builder, program.Kind.SQUARED_DIFFERENCE, params)
