# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE between float32, 8 bits, int16 and int32, and DEQUANTIZE."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType, Quantization, Tensor
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, lookup, rescale_s16, rowwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import QuantizeParams, RequantizeParams

_EIGHT_BITS = (DType.INT8, DType.UINT8)
_QUANTIZED = (*_EIGHT_BITS, DType.INT16)
_REQUANTIZED = (*_QUANTIZED, DType.INT32)
# The pairs of types that stages convert, of those that TFLM's QUANTIZE does.
_QUANTIZE_PAIRS = (
  (DType.FLOAT32, DType.INT8),
  (DType.FLOAT32, DType.INT16),
  (DType.INT8, DType.INT8),
  (DType.INT8, DType.UINT8),
  (DType.UINT8, DType.INT8),
  (DType.INT8, DType.INT16),
  (DType.INT8, DType.INT32),
  (DType.INT16, DType.INT8),
  (DType.INT16, DType.INT16),
  (DType.INT16, DType.INT32),
  (DType.INT32, DType.INT8),
  (DType.INT32, DType.INT16),
)
# What the input's scale over the output's stays below: a value less its zero point times that
# fits int32.
_MOST_RATIO = {DType.INT8: 2.0**22, DType.UINT8: 2.0**22, DType.INT16: 2.0**15, DType.INT32: 1.0}


def _one_scale(quantization: Quantization | None) -> bool:
  return quantization is not None and quantization.per_tensor and quantization.scale > 0


@base.of_types(DType.FLOAT32, DType.INT8, DType.INT16, DType.INT32, DType.UINT8)
def constraint_quantize_types(op: OpView) -> str | None:
  """float32 to int8 or int16, between int8, int16 and int32 but for int32 to itself, or between
  int8 and uint8, one scale each
  """
  pair = op.input().dtype, op.output().dtype
  for tensor in (op.input(), op.output()):
    if tensor.dtype in _REQUANTIZED and not _one_scale(tensor.quantization):
      return f'"{tensor.name}" has no single scale'
  return None if pair in _QUANTIZE_PAIRS else f'{pair[0].name} to {pair[1].name}'


def constraint_quantize_zero_points(op: OpView) -> str | None:
  """The zero point of int32 is 0, and of int16 from float32"""
  for tensor in (op.input(), op.output()):
    must_be = tensor.dtype == DType.INT32 or (
      tensor.dtype == DType.INT16 and op.input().dtype == DType.FLOAT32
    )
    if must_be and _zero_point(tensor):
      return f'"{tensor.name}" has zero point {_zero_point(tensor)}'
  return None


def constraint_quantize_ratio(op: OpView) -> str | None:
  """The input's scale over the output's is below 2^22; of int16 below 2^15, of int32 below 1"""
  if op.input().dtype not in _MOST_RATIO:
    return None
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  real = source.scale / target.scale
  return None if real < _MOST_RATIO[op.input().dtype] else f'{real:g}'


def _zero_point(tensor: Tensor) -> int:
  return 0 if tensor.quantization is None else int(tensor.quantization.zero_points.flat[0])


def _is_of_bytes(op: OpView) -> bool:
  return op.input().dtype in _EIGHT_BITS and op.output().dtype in _EIGHT_BITS


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
  constraint_quantize_zero_points,
  constraint_quantize_ratio,
  reads=cells.pointwise,
  int16_zero_points=True,
)
def lower_quantize(op: OpView, builder: StageBuilder) -> None:
  """float32 to 8 bits or int16; 8 bits to 8 bits by a table; other integers by a multiplier"""
  if op.input().dtype == DType.FLOAT32:
    _lower_float(op, builder, program.Kind.QUANTIZE, op.output().quantization)
    return
  if _is_of_bytes(op):
    lookup.lower_table(op, builder, requantize_table(op))
    return
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  scale = quantize.quantize_multiplier(source.scale / target.scale)
  points = source.zero_point, target.zero_point
  if op.input().dtype == op.output().dtype == DType.INT16 and points == (0, 0):
    rescale_s16.lower(op, builder, scale)
    return
  params = RequantizeParams(*scale, *points)
  rowwise.append(op, builder, program.Kind.REQUANTIZE, params, is_in_place=False)


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
  params = QuantizeParams(scale=quantization.scale, zero_point=quantization.zero_point)
  rowwise.append(op, builder, kind, params, is_in_place=False)
