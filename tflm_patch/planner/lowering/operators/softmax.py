# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX."""

from __future__ import annotations

from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, softmax_s16, transpose
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.planner.lowering.operators.softmax_table import exp_table
from tflm_patch.program import records as program
from tflm_patch.program.params import Params, SoftmaxParams

_KINDS = {
  (DType.INT8, DType.INT8): program.Kind.SOFTMAX,
  (DType.INT8, DType.INT16): program.Kind.SOFTMAX_S8_S16,
  (DType.INT16, DType.INT16): program.Kind.SOFTMAX_S16,
}
# Scale and zero point of the output; the largest deviation of the scale, as a part of it, that
# TFLM lets pass where its kernel does not use the scale.
_OUTPUTS = {
  program.Kind.SOFTMAX: (1 / 256, -128, 0.0),
  program.Kind.SOFTMAX_S8_S16: (2.0**-16, -(1 << 15), 0.001),
  program.Kind.SOFTMAX_S16: (2.0**-15, 0, 0.0),
}


def _kind(op: OpView) -> program.Kind | None:
  return _KINDS.get((op.input().dtype, op.output().dtype))


@base.of_types(DType.INT8, DType.INT16)
def constraint_types(op: OpView) -> str | None:
  """Input and output are int8 or int16, not int16 to int8, with one scale and zero point"""
  if _kind(op) is None:
    return f'{op.input().dtype.name} to {op.output().dtype.name}'
  source, target = op.input(), op.output()
  has_one = base.quantized_int16 if source.dtype == DType.INT16 else base.quantized_int8
  if not has_one(source):
    return f'"{source.name}" is {source.dtype.name} with another quantization'
  if target.quantization is None or not target.quantization.per_tensor:
    return f'"{target.name}" has no single scale'
  return None


def constraint_output_quantization(op: OpView) -> str | None:
  """The output has scale 1/256 and zero point -128, for int16 scale 2^-15, for int16 of int8 scale
  2^-16 and zero point -32768
  """
  out, kind = op.output().quantization, _kind(op)
  assert kind is not None
  scale, zero_point, near = _OUTPUTS[kind]
  if out is None or abs(out.scale - scale) > near * scale or out.zero_point != zero_point:
    return 'other quantization' if out is None else f'{out.scale:g}/{out.zero_point}'
  return None


def constraint_beta(op: OpView) -> str | None:
  """beta times the input scale is a number above 2^-26, for int16 below 5"""
  quantization = op.input().quantization
  product = float(op.option('beta', 1.0)) * (0.0 if quantization is None else quantization.scale)
  most = 5.0 if op.input().dtype == DType.INT16 else 2.0**31
  return None if 2.0**-26 < product < most else f'{product:g}'


def _parameters(op: OpView) -> Params:
  if op.input().dtype == DType.INT16:
    return softmax_s16.parameters(op)
  quantization = op.input().quantization
  assert quantization is not None
  return SoftmaxParams(*exp_table(float(op.option('beta', 1.0)), quantization.scale))


@base.register(
  'SOFTMAX',
  base.constraint_input_is_activation,
  base.constraint_same_shape,
  constraint_types,
  constraint_output_quantization,
  constraint_beta,
  reads=cells.pointwise,
  int16_zero_points=True,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Over channels, by tables"""
  made = op.operator.outputs[0]
  swapped = builder.swapped(op.operator.inputs[0])
  if swapped is None or builder.is_wanted(made):
    source = builder.read(op.operator.inputs[0])
    target = builder.make(made)
  else:
    source, target = swapped, builder.temporary(made, builder.map(swapped).shape)
    builder.defer(made, target, transpose.swap_back(op, builder, target))
  count, kind = builder.map(target).rows, _kind(op)
  assert kind is not None
  builder.add(
    op,
    StageOp(
      kind=kind,
      inputs=(source,),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=(rows.same_row(count, count),),
      params=_parameters(op),
    ),
  )
