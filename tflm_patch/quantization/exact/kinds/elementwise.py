# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators of two maps that are broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tflm_patch.program.params import AddParams, MulParams, PreluParams
from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic
from tflm_patch.quantization.exact.kinds.registry import Maps, kind

_LOW, _HIGH = -128, 127


def _less_zero_points(arithmetic: Arithmetic, maps: Maps, values: Sequence[Any]) -> list[Any]:
  return [value - arithmetic.integers(each.zero_point) for value, each in zip(values, maps.inputs)]


def _scaled_sum(
  arithmetic: Arithmetic, params: AddParams, maps: Maps, values: Sequence[Any], sign: int
) -> Any:
  terms = []
  for number, value in enumerate(_less_zero_points(arithmetic, maps, values)):
    fine = arithmetic.shift_left(value, arithmetic.integers(params.left_shift))
    terms.append(
      arithmetic.multiply(fine, params.input_multiplier[number], params.input_shift[number])
    )
  total = terms[0] + terms[1] * arithmetic.integers(sign)
  scaled = arithmetic.multiply(total, params.output_multiplier, params.output_shift)
  moved = scaled + arithmetic.integers(params.output_zero_point)
  return arithmetic.clamp(moved, params.act_min, params.act_max)


@kind(Kind.ADD)
def add(arithmetic: Arithmetic, params: AddParams, maps: Maps, values: Sequence[Any]) -> Any:
  """Both on a common scale."""
  return _scaled_sum(arithmetic, params, maps, values, 1)


@kind(Kind.SUB)
def subtract(arithmetic: Arithmetic, params: AddParams, maps: Maps, values: Sequence[Any]) -> Any:
  """Likewise."""
  return _scaled_sum(arithmetic, params, maps, values, -1)


@kind(Kind.MUL)
def multiply(arithmetic: Arithmetic, params: MulParams, maps: Maps, values: Sequence[Any]) -> Any:
  """The product, scaled."""
  first, second = _less_zero_points(arithmetic, maps, values)
  scaled = arithmetic.multiply(first * second, params.output_multiplier, params.output_shift)
  moved = scaled + arithmetic.integers(params.output_zero_point)
  return arithmetic.clamp(moved, params.act_min, params.act_max)


@kind(Kind.PRELU)
def prelu(arithmetic: Arithmetic, params: PreluParams, maps: Maps, values: Sequence[Any]) -> Any:
  """Two multipliers, by the sign."""
  x, slopes = _less_zero_points(arithmetic, maps, values)
  above = arithmetic.multiply(x, params.multiplier[0], params.shift[0])
  below = arithmetic.multiply(x * slopes, params.multiplier[1], params.shift[1])
  zero = arithmetic.integers(0)
  moved = arithmetic.xp.where(x < zero, below, above) + arithmetic.integers(
    params.output_zero_point
  )
  return arithmetic.clamp(moved, _LOW, _HIGH)


@kind(Kind.MAXIMUM)
def maximum(arithmetic: Arithmetic, params: None, maps: Maps, values: Sequence[Any]) -> Any:
  """Of the quantized values."""
  del params, maps
  return arithmetic.xp.maximum(values[0], values[1])


@kind(Kind.MINIMUM)
def minimum(arithmetic: Arithmetic, params: None, maps: Maps, values: Sequence[Any]) -> Any:
  """Of the quantized values."""
  del params, maps
  return arithmetic.xp.minimum(values[0], values[1])
