# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Integer arithmetic of TFLM's kernels on arrays.

Values are int32 in TFLM. An `Arithmetic` may hold them in a wider type, as long as every
result is the same. Arrays are [batch, rows, columns, channels].
"""

from __future__ import annotations

import abc
from typing import Any

import numpy as np

_INT32 = 1 << 32


class Arithmetic(abc.ABC):
  """What the kinds of operators are computed with.

  Attributes:
    xp: A module with numpy's functions: numpy or `keras.ops`.
  """

  xp: Any

  @abc.abstractmethod
  def integers(self, values: Any) -> Any:
    """Constants, or inputs of any integer type, as an array."""

  @abc.abstractmethod
  def shift_left(self, x: Any, exponent: Any) -> Any:
    """x * 2^exponent modulo 2^32, for exponents 0 to 31."""

  @abc.abstractmethod
  def shift_right(self, x: Any, exponent: Any) -> Any:
    """x / 2^exponent, rounded down."""

  @abc.abstractmethod
  def high_multiply(self, x: Any, y: Any) -> Any:
    """x * y / 2^31, halves rounded up (SaturatingRoundingDoublingHighMul)."""

  @abc.abstractmethod
  def dot(self, x: Any, weights: np.ndarray) -> Any:
    """Products along the last dimension: [..., in] and int8[in, out] give [..., out]."""

  def rounding_divide(self, x: Any, exponent: Any) -> Any:
    """x / 2^exponent, halves away from zero (RoundingDivideByPOT), exponents 0 to 31."""
    some = self.xp.maximum(exponent, self.integers(1))
    # One less moves negative ties down; then halves go up.
    halves = self.shift_right(x + self.shift_right(x, self.integers(31)), some - 1)
    rounded = self.shift_right(halves, self.integers(1)) + self.xp.bitwise_and(
      halves, self.integers(1)
    )
    return self.xp.where(exponent == 0, x, rounded)

  def multiply(self, x: Any, multipliers: Any, shifts: Any) -> Any:
    """MultiplyByQuantizedMultiplier: shift left, multiply and round, divide and round.

    Args:
      x: Values.
      multipliers: Of all values, or one per channel.
      shifts: Likewise; positive is left.
    """
    multipliers, shifts = np.asarray(multipliers), np.asarray(shifts, np.int64)
    shifted = x
    if np.any(shifts > 0):
      shifted = self.shift_left(x, self.integers(np.maximum(shifts, 0)))
    high = self.high_multiply(shifted, self.integers(multipliers))
    if not np.any(shifts < 0):
      return high
    return self.rounding_divide(high, self.integers(np.maximum(-shifts, 0)))

  def clamp(self, x: Any, low: int, high: int) -> Any:
    """Within limits."""
    return self.xp.minimum(self.xp.maximum(x, self.integers(low)), self.integers(high))

  def pad(self, x: Any, padding: tuple[tuple[int, int], ...], value: int) -> Any:
    """With a value around; x itself without padding."""
    if not any(sum(pair) for pair in padding):
      return x
    return self.xp.pad(x, padding, mode='constant', constant_values=value)


class NumpyArithmetic(Arithmetic):
  """In 64-bit integers: the reference."""

  xp = np

  def integers(self, values: Any) -> Any:
    return np.asarray(values, np.int64)

  def shift_left(self, x: Any, exponent: Any) -> Any:
    return (x * (np.int64(1) << exponent) + (_INT32 >> 1)) % _INT32 - (_INT32 >> 1)

  def shift_right(self, x: Any, exponent: Any) -> Any:
    return x >> exponent

  def high_multiply(self, x: Any, y: Any) -> Any:
    return (x * y + (1 << 30)) >> 31

  def dot(self, x: Any, weights: np.ndarray) -> Any:
    # Sums of products of bytes are far below 2^53.
    return np.rint(x.astype(np.float64) @ weights.astype(np.float64)).astype(np.int64)
