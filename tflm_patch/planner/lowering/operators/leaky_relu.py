# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""LEAKY_RELU."""

from __future__ import annotations

import math

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, lookup, rescale_s16
from tflm_patch.planner.lowering.operators.base import OpView


def _slope(op: OpView) -> float:
  """input scale * alpha / output scale, in double as TFLM takes it."""
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  return source.scale * float(np.float32(op.option('alpha', 0.0))) / target.scale


def constraint_alpha(op: OpView) -> str | None:
  """alpha is not negative, and scaled like the input it is below 2^22, for int16 2^15"""
  alpha = float(op.option('alpha', 0.0))
  fits = alpha >= 0 and math.isfinite(alpha) and _slope(op) < base.most_rescaling(op)
  return None if fits else f'{alpha:g}'


@base.register(
  'LEAKY_RELU',
  *lookup.INTEGER_RULES,
  base.constraint_scale_ratio,
  constraint_alpha,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """By a table, int16 value by value"""
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  identity = quantize.quantize_multiplier(source.scale / target.scale)
  slope = quantize.quantize_multiplier(_slope(op))
  if op.input().dtype == DType.INT16:
    rescale_s16.lower(op, builder, identity, slope)
    return

  def leaky_relu(value: int) -> int:
    value -= source.zero_point
    scaled = quantize.multiply_by_quantized_multiplier(value, *(identity if value >= 0 else slope))
    return target.zero_point + scaled

  lookup.lower_int8(op, builder, leaky_relu)
