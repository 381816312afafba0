# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ADD."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, conv, elementwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import AddParams

LEFT_SHIFT = 20
LEFT_SHIFT_INT16 = 15
_KINDS = {DType.INT8: program.Kind.ADD, DType.INT16: program.Kind.ADD_S16}


def left_shift(op: OpView) -> int:
  """Fractional bits of the scale in which TFLM adds."""
  return LEFT_SHIFT_INT16 if op.output().dtype == DType.INT16 else LEFT_SHIFT


def constraint_output_scale(op: OpView) -> str | None:
  """The output scale is above 2^-19 of the larger input scale, for int16 2^-14"""
  scales = [
    tensor.quantization.scale
    for tensor in (op.input(0), op.input(1), op.output())
    if tensor.quantization is not None
  ]
  if 2 * max(scales[:2]) / ((1 << left_shift(op)) * scales[2]) >= 1:
    return f'{scales[2]:g} and {max(scales[:2]):g}'
  return None


def parameters(op: OpView) -> AddParams:
  """The record of an ADD or a SUB, by CalculateOpDataAdd and CalculateOpDataSub of TFLM.

  Scales divide in double; SUB's did in float32 before October 2026, which is another last bit
  of the multipliers for some scales.
  """
  first, second, out = elementwise.quantizations(op)
  twice_max = 2 * max(first.scale, second.scale)
  inputs = [quantize.quantize_multiplier(q.scale / twice_max) for q in (first, second)]
  output = quantize.quantize_multiplier(twice_max / ((1 << left_shift(op)) * out.scale))
  clamp = conv.clamp_of(op)
  return AddParams(
    input_multiplier=(inputs[0][0], inputs[1][0]),
    input_shift=(inputs[0][1], inputs[1][1]),
    output_multiplier=output[0],
    output_shift=output[1],
    left_shift=left_shift(op),
    output_zero_point=out.zero_point,
    act_min=clamp[0],
    act_max=clamp[1],
  )


@base.register(
  'ADD',
  elementwise.constraint_two_integer_inputs,
  elementwise.constraint_broadcast,
  constraint_output_scale,
  base.constraint_fused_activation,
  base.constraint_clamp,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of two maps, or of a map and a broadcast map or constant"""
  elementwise.lower(op, builder, _KINDS[op.output().dtype], parameters(op))
