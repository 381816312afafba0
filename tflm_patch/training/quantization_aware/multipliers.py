# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TFLM's integer multipliers from float32 scales, in float32 and int32 alone.

TFLM computes products and quotients of scales in double and keeps 31 bits. Here mantissas
are split into parts of 12 bits, whose products float32 holds exactly; the result differs
from TFLM's by at most one unit of 2^-31. No step depends on how a compiler contracts or
orders operations.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from keras import ops

_EXPONENTS = np.arange(-60, 61)
_POWERS = np.exp2(_EXPONENTS).astype(np.float32)
_PART = 2048.0  # 12 bits of a mantissa in [1, 2)


@dataclasses.dataclass(frozen=True)
class Multiplier:
  """multiplier * 2^(shift - 31), as `MultiplyByQuantizedMultiplier` takes it.

  Attributes:
    multiplier: int32.
    left, right: int32, the shift's two directions; at least 0.
  """

  multiplier: Any
  left: Any
  right: Any


def normalized(x: Any) -> tuple[Any, Any]:
  """Mantissas in [1, 2), exact, and exponents (int32) of positive values."""
  above = ops.cast(ops.expand_dims(x, -1) >= ops.convert_to_tensor(_POWERS), 'int32')
  index = ops.maximum(ops.sum(above, axis=-1) - 1, 0)
  inverse = ops.take(ops.convert_to_tensor(1 / _POWERS), index)
  return x * inverse, index + int(_EXPONENTS[0])


def parts(mantissa: Any) -> tuple[Any, Any]:
  """12 bits, and the rest."""
  high = ops.floor(mantissa * _PART) * (1 / _PART)
  return high, mantissa - high


def power(exponent: Any) -> Any:
  """2^exponent, exactly."""
  return ops.take(ops.convert_to_tensor(_POWERS), exponent - int(_EXPONENTS[0]))


def product(a: Any, b: Any) -> tuple[Any, Any]:
  """a * b of mantissas as 24 exact bits and the rest."""
  (a1, a2), (b1, b2) = parts(a), parts(b)
  return a1 * b1, a1 * b2 + a2 * b1 + a2 * b2


def multiplier_of(first: Any, second: Any, divisor: Any) -> Multiplier:
  """first * second / divisor, which are positive; they are broadcast."""
  first, second, divisor = (ops.convert_to_tensor(x, 'float32') for x in (first, second, divisor))
  (a, e1), (b, e2), (c, e3) = normalized(first), normalized(second), normalized(divisor)
  high, low = product(a, b)
  c1, c2 = parts(c)
  # The nearest 12 bits of the quotient, and what they leave.
  quotient = ops.round((high + low) / c * _PART) * (1 / _PART)
  rest = (((high - quotient * c1) - quotient * c2) + low) / c
  # The quotient is above 1/2 and at most 4.
  above = ops.cast(quotient >= 1, 'int32') + ops.cast(quotient >= 2, 'int32')
  unit = power(31 - above)
  value = ops.cast(quotient * unit, 'int32') + ops.cast(ops.round(rest * unit), 'int32')
  shift = e1 + e2 - e3 + above
  return Multiplier(value, _limited(shift), _limited(-shift))


def _limited(shift: Any) -> Any:
  return ops.clip(shift, 0, 31)


def divided(multiplier: Multiplier, count: int) -> Multiplier:
  """For a mean of `count` values, as QuantizedMeanOrSum of TFLM's reduce.h divides it."""
  exponent = count.bit_length() - 1
  if count == 1 << exponent:
    value = multiplier.multiplier
  else:
    fraction = count / (1 << exponent)
    high = ops.cast(ops.right_shift(multiplier.multiplier, 16), 'float32')
    low = ops.cast(ops.bitwise_and(multiplier.multiplier, 0xFFFF), 'float32')
    first = ops.floor(high / fraction)
    second = ops.floor(((high - first * fraction) * 65536.0 + low) / fraction)
    value = ops.cast(first, 'int32') * 65536 + ops.cast(second, 'int32')
  shift = multiplier.left - multiplier.right - exponent
  return Multiplier(value, _limited(shift), _limited(-shift))


def nearest(x: Any, scale: Any) -> Any:
  """x / scale to the nearest integer below 2^12: the quotient's own rounding is undone."""
  m, exponent = normalized(scale)
  high, low = parts(m)
  x = x * power(-exponent)
  whole = ops.round(x / m)
  rest = (x - whole * high) - whole * low
  half = 0.5 * m
  return whole + ops.cast(rest > half, x.dtype) - ops.cast(rest < -half, x.dtype)


def nearest_of_product(x: Any, first: Any, second: Any) -> Any:
  """x / (first * second) to the nearest integer below 2^24."""
  (a, e1), (b, e2) = normalized(first), normalized(second)
  p_high, p_low = product(a, b)
  p1 = ops.floor(p_high * (_PART / 2)) * (2 / _PART)
  p2 = (p_high - p1) + p_low
  x = x * power(-e1) * power(-e2)
  whole = ops.round(x / (p_high + p_low))
  q1 = ops.floor(whole * (1 / 4096)) * 4096.0
  q2 = whole - q1
  rest = (((x - q1 * p1) - q2 * p1) - q1 * p2) - q2 * p2
  return whole + ops.round(rest / (p_high + p_low))
