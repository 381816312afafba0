# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ADD_N: a sum of several maps."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.ir.stage_graph import InPlace, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import MulParams

# The sum of more differences below 256 and a zero point, in steps of 2^-19, may leave int32.
MAX_INPUTS = 15
_INTEGER_SHIFT = 20  # kAddNIntegerShift of TFLM's add_n.cc


@base.of_types(DType.INT8)
def constraint_equal_operands(op: OpView) -> str | None:
  """Two to 15 int8 inputs of one scale, zero point and shape, one of them computed; int8 output"""
  count = len(op.operator.inputs)
  if not 2 <= count <= MAX_INPUTS or min(op.operator.inputs) < 0:
    return f'{count} inputs'
  tensors = [op.input(i) for i in range(count)]
  for tensor in (*tensors, op.output()):
    if not base.quantized_int8(tensor) or tensor.shape != tensors[0].shape:
      return f'"{tensor.name}" is {tensor.dtype.name} {list(tensor.shape)}'
  scales = {(t.quantization.scale, t.quantization.zero_point) for t in tensors if t.quantization}
  if len(scales) > 1:
    return f'{len(scales)} scales or zero points'
  return 'all are constants' if all(tensor.is_constant for tensor in tensors) else None


def _output_factor(op: OpView) -> float:
  """CalculateOpData of TFLM's add_n.cc."""
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  return 2.0 * source.scale / ((1 << _INTEGER_SHIFT) * float(target.scale))


def constraint_sum_scale(op: OpView) -> str | None:
  """Twice the input scale over the output scale is below 2^20"""
  return None if _output_factor(op) < 1 else f'{_output_factor(op):g}'


@base.register('ADD_N', constraint_equal_operands, constraint_sum_scale, reads=cells.pointwise)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of maps and constants"""
  multiplier, shift = quantize.quantize_multiplier(_output_factor(op))
  out = op.output().quantization
  shape = feature_shape(op.output())
  assert out is not None and shape is not None
  sources = tuple(builder.read(index) for index in op.operator.inputs)
  target = builder.make(op.operator.outputs[0])
  builder.add(
    op,
    StageOp(
      kind=program.Kind.ADD_N,
      inputs=sources,
      outputs=(target,),
      steps=shape[0],
      reads=(rows.same_row(shape[0], shape[0]),) * len(sources),
      params=MulParams(
        output_multiplier=multiplier,
        output_shift=shift,
        output_zero_point=out.zero_point,
        act_min=quantize.INT8_MIN,
        act_max=quantize.INT8_MAX,
      ),
      in_place=tuple(InPlace(k) for k in range(len(sources))),
    ),
  )
