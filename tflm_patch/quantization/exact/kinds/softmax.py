# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX, by a table of exponentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.program.params import SoftmaxParams
from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic
from tflm_patch.quantization.exact.kinds.registry import Maps, array, kind

_SUM_INTEGER_BITS = 12
_OUTPUT_BITS = 8
_48_OVER_17 = 1515870810  # in Q2.29
_32_OVER_17 = 1010580540
_ONE = 1 << 29
_INT32_MAX = (1 << 31) - 1


@kind(Kind.SOFTMAX)
def softmax(
  arithmetic: Arithmetic, params: SoftmaxParams, maps: Maps, values: Sequence[Any]
) -> Any:
  """Exponentials of differences to the largest value, times one over their sum."""
  del maps
  return probabilities(arithmetic, array(params.exp_table).astype(np.int64), values[0])


def probabilities(arithmetic: Arithmetic, table: Any, x: Any) -> Any:
  """Output bytes.

  Args:
    arithmetic: Computes.
    table: Exponentials of differences in Q0.31.
    x: Input bytes, or their differences to any value: only differences count.
  """
  xp, integers = arithmetic.xp, arithmetic.integers
  # Differences below diff_min have exponential 0 in the table, and give 0.
  exps = xp.take(integers(table), xp.max(x, axis=-1, keepdims=True) - x, axis=0)
  parts = arithmetic.rounding_divide(exps, integers(_SUM_INTEGER_BITS))
  headroom, normal = _normalized(arithmetic, xp.sum(parts, axis=-1, keepdims=True))
  # The sum is 1 + rest / 2^31, times a power of 2: its highest bit falls off.
  rest = xp.bitwise_and(normal, integers(_INT32_MAX))
  exponent = integers(_SUM_INTEGER_BITS + 31 - _OUTPUT_BITS) - headroom
  product = arithmetic.high_multiply(exps, _one_over_one_plus(arithmetic, rest))
  most = integers(31)
  quotient = arithmetic.rounding_divide(product, xp.minimum(exponent, most))
  result = xp.where(exponent > most, integers(0), quotient)
  return arithmetic.clamp(result + integers(-128), -128, 127)


def _normalized(arithmetic: Arithmetic, x: Any) -> tuple[Any, Any]:
  """Leading zeros of positive 32-bit integers, and the integers shifted left by them."""
  integers = arithmetic.integers
  zeros = x * integers(0)
  for step in (16, 8, 4, 2, 1):
    upper = arithmetic.shift_right(x, integers(32 - step))
    moved = arithmetic.xp.where(upper == integers(0), integers(step), integers(0))
    zeros = zeros + moved
    x = arithmetic.shift_left(x, moved)
  return zeros, x


def _one_over_one_plus(arithmetic: Arithmetic, x: Any) -> Any:
  """1 / (1 + x) of Q0.31 in [0, 1), by Newton's method."""
  integers, multiply = arithmetic.integers, arithmetic.high_multiply
  half = arithmetic.shift_right(x, integers(1)) + integers(1 << 30)  # of 1 + x
  estimate = integers(_48_OVER_17) + multiply(half, integers(-_32_OVER_17))
  for _ in range(3):
    error = integers(_ONE) - multiply(half, estimate)
    estimate = estimate + _saturating_shift_left(arithmetic, multiply(estimate, error), 2)
  return _saturating_shift_left(arithmetic, estimate, 1)


def _saturating_shift_left(arithmetic: Arithmetic, x: Any, exponent: int) -> Any:
  integers, where = arithmetic.integers, arithmetic.xp.where
  most = integers(_INT32_MAX >> exponent)
  shifted = arithmetic.shift_left(x, integers(exponent))
  low = where(x < -most, integers(-_INT32_MAX - 1), shifted)
  return where(x > most, integers(_INT32_MAX), low)
