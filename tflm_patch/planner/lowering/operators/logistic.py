# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""LOGISTIC and TANH."""

from __future__ import annotations

from collections.abc import Callable

from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, fixed_point, lookup
from tflm_patch.planner.lowering.operators.base import OpView


def constraint_input_scale(op: OpView) -> str | None:
  """The input scale is 2^-27 to 2^30"""
  quantization = op.input().quantization
  assert quantization is not None
  return None if 2.0**-27 <= quantization.scale <= 2.0**30 else f'{quantization.scale:g}'


def constraint_output_zero_point(op: OpView) -> str | None:
  """The output's zero point is -128"""
  quantization = op.output().quantization
  assert quantization is not None
  return None if quantization.zero_point == -128 else str(quantization.zero_point)


@base.register(
  'LOGISTIC',
  *lookup.RULES,
  constraint_input_scale,
  constraint_output_zero_point,
  reads=cells.pointwise,
)
def lower_logistic(op: OpView, builder: StageBuilder) -> None:
  """By a table; TFLM takes the output's scale for 1/256, whatever it is"""
  _lower(op, builder, fixed_point.logistic, 8, -128)


@base.register('TANH', *lookup.RULES, constraint_input_scale, reads=cells.pointwise)
def lower_tanh(op: OpView, builder: StageBuilder) -> None:
  """By a table; TFLM takes the output for 1/128 and 0, whatever it is"""
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
