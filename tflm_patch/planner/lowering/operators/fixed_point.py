# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The fixed-point functions of TFLM's integer kernels, in exact Python integers.

A value "in Qm" is an int32 that stands for itself divided by 2^(31 - m), as in
gemmlowp's fixedpoint.h; the roundings are the same.
"""

from __future__ import annotations

import functools

from tflm_patch.graph import quantize

INT32_MAX = (1 << 31) - 1
_INT32_MIN = -(1 << 31)

_EXP_MINUS_EIGHTH = 1895147668  # exp(-1/8) in Q0
_ONE_THIRD = 715827883  # 1/3 in Q0
# exp(-2^k) in Q0 for k = -2 .. 4: the factors of the bits from 1/4 on.
_EXP_OF_BITS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
_48_OVER_17 = 1515870810  # in Q2
_32_OVER_17 = 1010580540  # in Q2
_HALF_SQRT_2 = 1518500250  # sqrt(2) / 2 in Q0

# Results that are remembered: an operator's table is made anew in every plan that is tried.
_KEPT = 1 << 16


def high_multiply(a: int, b: int) -> int:
  """a * b in Q0, rounded to nearest (SaturatingRoundingDoublingHighMul)."""
  return min((a * b + (1 << 30)) >> 31, INT32_MAX)


def divide(value: int, exponent: int) -> int:
  """value / 2^exponent, halves away from zero (RoundingDivideByPOT)."""
  rounded = (abs(value) + (1 << exponent >> 1)) >> exponent
  return rounded if value >= 0 else -rounded


def _shift_left(value: int, exponent: int) -> int:
  """value * 2^exponent, saturated (SaturatingRoundingMultiplyByPOT)."""
  return min(max(value << exponent, _INT32_MIN), INT32_MAX)


def exp_on_negative_values(a: int, integer_bits: int) -> int:
  """exp of a value <= 0 in Qm, in Q0.

  Args:
    a: The value.
    integer_bits: m, at most 5.
  """
  if a == 0:
    return INT32_MAX
  # a = quarter - remainder: quarter in [-1/4, 0), the rest in multiples of 1/4.
  one_quarter = 1 << (29 - integer_bits)
  quarter = (a & (one_quarter - 1)) - one_quarter
  remainder = quarter - a
  result = _exp_from_minus_quarter(quarter << integer_bits)
  for k, factor in enumerate(_EXP_OF_BITS[: integer_bits + 2]):
    if remainder & (one_quarter << k):
      result = high_multiply(result, factor)
  return result


def _exp_from_minus_quarter(a: int) -> int:
  """exp of a Q0 value in [-1/4, 0): Taylor to the fourth order around -1/8."""
  x = a + (1 << 28)
  x2 = high_multiply(x, x)
  x3 = high_multiply(x2, x)
  x4 = high_multiply(x2, x2)
  terms_3_4 = high_multiply(divide(x4, 2) + x3, _ONE_THIRD)
  terms = divide(terms_3_4 + x2, 1)
  return _EXP_MINUS_EIGHTH + high_multiply(_EXP_MINUS_EIGHTH, x + terms)


def _two_over_one_plus(a: int) -> int:
  """2 / (1 + a) in Q2 of a Q0 value in [0, 1], by Newton's method."""
  half_denominator = (a + INT32_MAX + 1) >> 1
  x = _48_OVER_17 + high_multiply(half_denominator, -_32_OVER_17)
  for _ in range(3):
    rest = (1 << 29) - high_multiply(half_denominator, x)
    x += _shift_left(high_multiply(x, rest), 2)
  return x


def one_over_one_plus(a: int) -> int:
  """1 / (1 + a) of a Q0 value in [0, 1], in Q0."""
  return _shift_left(_two_over_one_plus(a), 1)


@functools.lru_cache(_KEPT)
def logistic(a: int) -> int:
  """1 / (1 + exp(-a)) of a Q4 value, in Q0."""
  if a == 0:
    return 1 << 30
  positive = one_over_one_plus(exp_on_negative_values(-abs(a), 4))
  return positive if a > 0 else INT32_MAX - positive


@functools.lru_cache(_KEPT)
def tanh(a: int) -> int:
  """tanh of a Q4 value, in Q0."""
  if a == 0:
    return 0
  # Twice a Q4 value is the same number in Q5.
  x = _two_over_one_plus(exp_on_negative_values(-abs(a), 5))
  positive = _shift_left(x - (1 << 29), 2)
  return positive if a > 0 else -positive


def inverse_sqrt(value: int) -> tuple[int, int]:
  """1 / sqrt of a positive int32 below 2^29, as a multiplier and a shift.

  As GetInvSqrtQuantizedMultiplierExp computes it.
  """
  if value <= 1:
    return INT32_MAX, 0
  pairs = (31 - value.bit_length()) // 2 - 1
  shift = 11 - pairs
  scaled = value << 2 * pairs >> 1  # in Q3
  half = divide(scaled, 1)
  x = 1 << 28
  for _ in range(5):
    x3 = _shift_left(high_multiply(high_multiply(x, x), x), 6)
    x = _shift_left(high_multiply(3 << 27, x) - high_multiply(half, x3), 3)
  x = high_multiply(x, _HALF_SQRT_2)
  if shift < 0:
    return x << -shift, 0
  return x, -shift


def input_in_q4(scale: float) -> tuple[int, int, int]:
  """How LOGISTIC and TANH bring an int8 value to Q4.

  Args:
    scale: Of the input, 2^-27 to 2^30.

  Returns:
    (multiplier, shift, radius): values from the radius on saturate.
  """
  multiplier, shift = quantize.quantize_multiplier(scale * (1 << 27))
  return multiplier, shift, (15 << 27) >> shift
