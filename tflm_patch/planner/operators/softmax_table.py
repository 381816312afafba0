# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of exponentials of SOFTMAX, in TFLM's fixed-point arithmetic.

TFLM's int8 softmax rescales the difference of a value to its row's maximum to
Q5.26 and takes exp of it in Q0.31. An int8 row has only 256 such differences, so
their exponentials are made here, in exact integers, with the same roundings.
"""

from __future__ import annotations

import numpy as np

from tflm_patch.graph import quantize

_INTEGER_BITS = 5  # of the rescaled difference
_FRACTION_BITS = 31 - _INTEGER_BITS
_ONE_QUARTER = 1 << (_FRACTION_BITS - 2)
_INT32_MAX = (1 << 31) - 1

_EXP_MINUS_EIGHTH = 1895147668  # exp(-1/8) in Q0.31
_ONE_THIRD = 715827883  # 1/3 in Q0.31
# exp(-2^k) in Q0.31 for k = -2 .. 4: the factors of the bits from 1/4 on.
_EXP_OF_BITS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def _high_multiply(a: int, b: int) -> int:
  """a * b in Q0.31, rounded to nearest (SaturatingRoundingDoublingHighMul)."""
  return min((a * b + (1 << 30)) >> 31, _INT32_MAX)


def _divide(value: int, exponent: int) -> int:
  """value / 2^exponent, halves away from zero (RoundingDivideByPOT)."""
  rounded = (abs(value) + (1 << exponent >> 1)) >> exponent
  return rounded if value >= 0 else -rounded


def _exp_from_minus_quarter(a: int) -> int:
  """exp of a Q0.31 value in [-1/4, 0): Taylor to the fourth order around -1/8."""
  x = a + (1 << 28)
  x2 = _high_multiply(x, x)
  x3 = _high_multiply(x2, x)
  x4 = _high_multiply(x2, x2)
  terms_3_4 = _high_multiply(_divide(x4, 2) + x3, _ONE_THIRD)
  terms = _divide(terms_3_4 + x2, 1)
  return _EXP_MINUS_EIGHTH + _high_multiply(_EXP_MINUS_EIGHTH, x + terms)


def _exp(a: int) -> int:
  """exp of a Q5.26 value <= 0, in Q0.31."""
  if a == 0:
    return _INT32_MAX
  # a = quarter - remainder: quarter in [-1/4, 0), the rest in multiples of 1/4.
  quarter = (a & (_ONE_QUARTER - 1)) - _ONE_QUARTER
  remainder = quarter - a
  result = _exp_from_minus_quarter(quarter << _INTEGER_BITS)
  for k, factor in enumerate(_EXP_OF_BITS):
    if remainder & (_ONE_QUARTER << k):
      result = _high_multiply(result, factor)
  return result


def exp_table(beta: float, input_scale: float) -> tuple[np.ndarray, int]:
  """The exponentials that an int8 SOFTMAX needs.

  Args:
    beta: The operator's beta, a float32 value.
    input_scale: Scale of the input, a float32 value.

  Returns:
    table: int32[256]; entry i is exp(-i * beta * input_scale) in Q0.31 as TFLM's
      kernel computes it, and 0 where the kernel leaves the difference out.
    diff_min: Differences below it are left out; in -255..0.

  Raises:
    ValueError: beta * input_scale is not a number above 2^-26, which TFLM's
      kernel refuses.
  """
  real = float(beta) * float(input_scale) * (1 << _FRACTION_BITS)
  if not real > 1.0:
    raise ValueError(f'softmax with beta {beta:g} and input scale {input_scale:g}')
  multiplier, shift = quantize.quantize_multiplier(min(real, float(_INT32_MAX)))
  radius = (((1 << _INTEGER_BITS) - 1) << _FRACTION_BITS) >> shift
  diff_min = -min(radius, 255)
  table = np.zeros(256, np.int32)
  for i in range(-diff_min + 1):
    table[i] = _exp(quantize.multiply_by_quantized_multiplier(-i, multiplier, shift))
  return table, diff_min
