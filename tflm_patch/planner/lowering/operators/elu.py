# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ELU.

TFLM makes the table with the C library's expf, whose last bit differs between
libraries. An operator whose table hangs on that bit stays stock.
"""

from __future__ import annotations

import math

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, lookup
from tflm_patch.planner.lowering.operators.base import OpView


def _elu(op: OpView, value: int) -> set[int]:
  """The results that an expf with an error of up to one unit in the last place gives."""
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  f32 = np.float32
  real = f32(source.scale) * f32(value - source.zero_point)
  inverse_scale = f32(1) / f32(target.scale)
  candidates = [real]
  if real < 0:
    exp = f32(math.exp(float(real)))
    around = np.nextafter(exp, f32(0)), exp, np.nextafter(exp, f32(2))
    candidates = [each - f32(1) for each in around]
  results = (
    quantize.round_half_away(float(each * inverse_scale)) + target.zero_point for each in candidates
  )
  return {min(max(result, quantize.INT8_MIN), quantize.INT8_MAX) for result in results}


def constraint_last_bit(op: OpView) -> str | None:
  """No result hangs on the last bit of the C library's exponential function"""
  for value in range(quantize.INT8_MIN, quantize.INT8_MAX + 1):
    results = _elu(op, value)
    if len(results) > 1:
      return f'of {value}: {sorted(results)}'
  return None


@base.register(
  'ELU', *lookup.RULES, base.constraint_scale_ratio, constraint_last_bit, reads=cells.pointwise
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """By a table"""
  lookup.lower_int8(op, builder, lambda value: min(_elu(op, value)))
