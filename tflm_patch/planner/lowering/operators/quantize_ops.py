# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE and DEQUANTIZE between float32 and 8 bits or int16, or between 8-bit types."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType, Quantization
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, lookup, rescale_s16
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import QuantizeParams

_EIGHT_BITS = (DType.INT8, DType.UINT8)
_QUANTIZED = (*_EIGHT_BITS, DType.INT16)
# The pairs of types that stages convert, of those that TFLM's QUANTIZE does.
_QUANTIZE_PAIRS = (
  (DType.FLOAT32, DType.INT8),
  (DType.FLOAT32, DType.INT16),
  (DType.INT8, DType.INT8),
  (DType.INT8, DType.UINT8),
  (DType.UINT8, DType.INT8),
  (DType.INT16, DType.INT16),
)


def _one_scale(quantization: Quantization | None) -> bool:
  return quantization is not None and quantization.per_tensor and quantization.scale > 0


@base.of_types(DType.FLOAT32, DType.INT8, DType.INT16, DType.UINT8)
def constraint_quantize_types(op: OpView) -> str | None:
  """float32 to int8 or int16, between int8 and uint8, or int16 to int16, one scale each"""
  pair = op.input().dtype, op.output().dtype
  for tensor in (op.input(), op.output()):
    if tensor.dtype in _QUANTIZED and not _one_scale(tensor.quantization):
      return f'"{tensor.name}" has no single scale'
  return None if pair in _QUANTIZE_PAIRS else f'{pair[0].name} to {pair[1].name}'


def constraint_int16_ratio(op: OpView) -> str | None:
  """The scale of an int16 input over the output scale is below 2^15"""
  return base.constraint_scale_ratio(op) if op.input().dtype == DType.INT16 else None


@base.of_types(DType.INT8, DType.INT16, DType.UINT8)
def constraint_dequantize_types(op: OpView) -> str | None:
  """int8, uint8 or int16 with one scale to float32"""
  source = op.input().quantization
  if op.input().dtype not in _QUANTIZED or op.output().dtype != DType.FLOAT32:
    return f'{op.input().dtype.name} to {op.output().dtype.name}'
  return None if _one_scale(source) else 'no single scale'


def requantize_table(op: OpView) -> np.ndarray:
  """TFLM's Requantize for all 256 inputs, indexed by the input's bits."""
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  multiplier, shift = quantize.quantize_multiplier(source.scale / target.scale)
  return lookup.table_for(
    op,
    lambda value: (
      quantize.multiply_by_quantized_multiplier(value - source.zero_point, multiplier, shift)
      + target.zero_point
    ),
  )


@base.register(
  'QUANTIZE',
  base.constraint_input_is_activation,
  base.constraint_same_shape,
  constraint_quantize_types,
  constraint_int16_ratio,
  reads=cells.pointwise,
)
def lower_quantize(op: OpView, builder: StageBuilder) -> None:
  """float32 to 8 bits or int16; 8 bits to 8 bits by a table; int16 to another scale"""
  if op.input().dtype in _EIGHT_BITS:
    lookup.lower_table(op, builder, requantize_table(op))
    return
  if op.input().dtype == DType.INT16:
    source, target = op.input().quantization, op.output().quantization
    assert source is not None and target is not None
    rescale_s16.lower(op, builder, quantize.quantize_multiplier(source.scale / target.scale))
    return
  _lower_float(op, builder, program.Kind.QUANTIZE, op.output().quantization)


@base.register(
  'DEQUANTIZE',
  base.constraint_input_is_activation,
  base.constraint_same_shape,
  constraint_dequantize_types,
  reads=cells.pointwise,
)
def lower_dequantize(op: OpView, builder: StageBuilder) -> None:
  """8 bits or int16 to float32"""
  _lower_float(op, builder, program.Kind.DEQUANTIZE, op.input().quantization)


def _lower_float(
  op: OpView, builder: StageBuilder, kind: program.Kind, quantization: Quantization | None
) -> None:
  assert quantization is not None
  scale, zero_point = quantization.scale, quantization.zero_point
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  count = builder.map(target).rows

  params = QuantizeParams(scale=scale, zero_point=zero_point)

  reads = [rows.same_row(count, count)]
  builder.add(
    op,
    StageOp(
      kind=kind,
      inputs=(source,),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=tuple(reads),
      params=params,
    ),
  )
