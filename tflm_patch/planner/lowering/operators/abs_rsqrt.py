# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ABS and RSQRT."""

from __future__ import annotations

import math

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, fixed_point, lookup, rescale_s16
from tflm_patch.planner.lowering.operators.base import OpView

_SHIFT = 20  # TFLM keeps so many fraction bits of the root


@base.register('ABS', *lookup.INTEGER_RULES, base.constraint_scale_ratio, reads=cells.pointwise)
def lower_abs(op: OpView, builder: StageBuilder) -> None:
  """By a table, int16 value by value"""
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  scales = quantize.quantize_multiplier(source.scale / target.scale)
  if op.input().dtype == DType.INT16:
    scales = rescale_s16.SAME if source.scale == target.scale else scales
    rescale_s16.lower(op, builder, scales, magnitude=True)
    return

  def absolute(value: int) -> int:
    value = abs(value - source.zero_point)
    if source.scale != target.scale:
      value = quantize.multiply_by_quantized_multiplier(value, *scales)
    return value + target.zero_point

  lookup.lower_int8(op, builder, absolute)


def _rsqrt_scale(op: OpView) -> float:
  """1 / (sqrt(input scale) * output scale), in double; in float32 before October 2026."""
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  return 1 / (math.sqrt(source.scale) * target.scale)


def constraint_no_negative_values(op: OpView) -> str | None:
  """The input's zero point is -128: TFLM stops at negative values"""
  quantization = op.input().quantization
  assert quantization is not None
  return None if quantization.zero_point == -128 else str(quantization.zero_point)


def constraint_rsqrt_scales(op: OpView) -> str | None:
  """1 / (sqrt(input scale) * output scale) is 2^-10 to 2^29"""
  scale = _rsqrt_scale(op)
  return None if 2.0**-10 <= scale < 2.0**29 else f'{scale:g}'


@base.register(
  'RSQRT',
  *lookup.RULES,
  constraint_no_negative_values,
  constraint_rsqrt_scales,
  reads=cells.pointwise,
)
def lower_rsqrt(op: OpView, builder: StageBuilder) -> None:
  """By a table"""
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  multiplier, shift = quantize.quantize_multiplier(_rsqrt_scale(op))

  def rsqrt(value: int) -> int:
    value -= source.zero_point
    if value == 0:
      return quantize.INT8_MAX
    root, root_shift = fixed_point.inverse_sqrt(value)
    fine = quantize.multiply_by_quantized_multiplier(1, root, root_shift + _SHIFT)
    scaled = quantize.multiply_by_quantized_multiplier(fine, multiplier, shift - _SHIFT)
    return scaled + target.zero_point

  lookup.lower_int8(op, builder, rsqrt)
