# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""LOGISTIC and TANH."""

from __future__ import annotations

from collections.abc import Callable

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, fixed_point, lookup, sigmoid_s16
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program.records import Kind

# The log2 of int16 input scales for which TFLM needs no multiplier.
_LOGISTIC_POWERS = (-12,)
_TANH_POWERS = (-12, -11)


def _input_scale(op: OpView, powers: tuple[int, ...]) -> str | None:
  quantization = op.input().quantization
  assert quantization is not None
  scale = quantization.scale
  if op.input().dtype == DType.INT16:
    return sigmoid_s16.violation(scale, powers)
  return None if 2.0**-27 <= scale <= 2.0**30 else f'{scale:g}'


def constraint_logistic_input(op: OpView) -> str | None:
  """The input scale is 2^-27 to 2^30, for int16 below 8/3, and not where TFLM might take it for
  2^-12
  """
  return _input_scale(op, _LOGISTIC_POWERS)


def constraint_tanh_input(op: OpView) -> str | None:
  """The input scale is 2^-27 to 2^30, for int16 below 8/3, and not where TFLM might take it for
  2^-12 or 2^-11
  """
  return _input_scale(op, _TANH_POWERS)


def constraint_output_zero_point(op: OpView) -> str | None:
  """The output's zero point is -128; int16 outputs have scale 2^-15"""
  quantization = op.output().quantization
  assert quantization is not None
  if op.output().dtype == DType.INT16:
    return constraint_int16_output(op)
  return None if quantization.zero_point == -128 else str(quantization.zero_point)


def constraint_int16_output(op: OpView) -> str | None:
  """int16 outputs have scale 2^-15"""
  quantization = op.output().quantization
  assert quantization is not None
  if op.output().dtype != DType.INT16 or quantization.scale == sigmoid_s16.OUTPUT_SCALE:
    return None
  return f'{quantization.scale:g}'


@base.register(
  'LOGISTIC',
  *lookup.INTEGER_RULES,
  constraint_logistic_input,
  constraint_output_zero_point,
  reads=cells.pointwise,
)
def lower_logistic(op: OpView, builder: StageBuilder) -> None:
  """By a table; TFLM takes the scale of int8 outputs for 1/256, whatever it is"""
  if op.input().dtype == DType.INT16:
    sigmoid_s16.lower(op, builder, Kind.LOGISTIC_S16, _LOGISTIC_POWERS)
    return
  _lower(op, builder, fixed_point.logistic, 8, -128)


@base.register(
  'TANH',
  *lookup.INTEGER_RULES,
  constraint_tanh_input,
  constraint_int16_output,
  reads=cells.pointwise,
)
def lower_tanh(op: OpView, builder: StageBuilder) -> None:
  """By a table; TFLM takes int8 outputs for 1/128 and 0, whatever they are"""
  if op.input().dtype == DType.INT16:
    sigmoid_s16.lower(op, builder, Kind.TANH_S16, _TANH_POWERS)
    return
  _lower(op, builder, fixed_point.tanh, 7, 0)


def _lower(
  op: OpView,
  builder: StageBuilder,
  function: Callable[[int], int],
  fraction_bits: int,
  zero_point: int,
) -> None:
  source = op.input().quantization
  assert source is not None
  multiplier, shift, radius = fixed_point.input_in_q4(source.scale)

  def apply(value: int) -> int:
    value -= source.zero_point
    if value <= -radius:
      return quantize.INT8_MIN
    if value >= radius:
      return quantize.INT8_MAX
    scaled = quantize.multiply_by_quantized_multiplier(value, multiplier, shift)
    return fixed_point.divide(function(scaled), 31 - fraction_bits) + zero_point

  lookup.lower_int8(op, builder, apply)
