# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SQUARED_DIFFERENCE."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, conv, elementwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import AddParams

_KINDS = {
  DType.INT8: program.Kind.SQUARED_DIFFERENCE,
  DType.INT16: program.Kind.SQUARED_DIFFERENCE_S16,
}
# What differences are made finer by.
_LEFT_SHIFTS = {DType.INT8: 7, DType.INT16: 0}


def _output_factor(op: OpView) -> float:
  """PrepareQuantized of TFLM's squared_difference.cc, whose products are of doubles."""
  first, second, out = elementwise.quantizations(op)
  twice_max = 2.0 * max(first.scale, second.scale)
  left_shift = _LEFT_SHIFTS[op.output().dtype]
  return twice_max * twice_max / ((1 << left_shift * 2) * out.scale)


def constraint_output_scale(op: OpView) -> str | None:
  """The square of twice the larger input scale over the output scale is below 2^14, of int16 maps
  below 1
  """
  return None if _output_factor(op) < 1 else f'{_output_factor(op):g}'


@base.register(
  'SQUARED_DIFFERENCE',
  elementwise.constraint_two_integer_inputs,
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
  clamp = conv.clamp_of(op)

  params = AddParams(
    input_multiplier=(inputs[0][0], inputs[1][0]),
    input_shift=(inputs[0][1], inputs[1][1]),
    output_multiplier=output[0],
    output_shift=output[1],
    left_shift=_LEFT_SHIFTS[op.output().dtype],
    output_zero_point=out.zero_point,
    act_min=clamp[0],
    act_max=clamp[1],
  )

  elementwise.lower(op, builder, _KINDS[op.output().dtype], params)
