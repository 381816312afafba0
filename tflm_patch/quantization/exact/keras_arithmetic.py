# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Integer arithmetic on any backend of Keras, with 32-bit integers and float32 alone.

JAX has neither int64 nor float64 unless it is told to. 64-bit products are put together
from limbs of 15 bits; sums of products of bytes are float32 products of at most 1,000
terms, which are exact below 2^24, added as integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from tflm_patch.quantization.exact.arithmetic import Arithmetic

MAX_TERMS = 1000  # times 128 * 128 stays below 2^24
_LIMB = 15
_MASK = (1 << _LIMB) - 1


class KerasArithmetic(Arithmetic):
  """In int32, whose sums and products wrap around."""

  xp = ops

  def integers(self, values: Any) -> Any:
    if isinstance(values, (int, np.ndarray, np.generic, list, tuple)):
      return ops.convert_to_tensor(np.asarray(values, np.int32))
    return ops.cast(values, 'int32')

  def shift_left(self, x: Any, exponent: Any) -> Any:
    return ops.left_shift(x, exponent)

  def shift_right(self, x: Any, exponent: Any) -> Any:
    return ops.right_shift(x, exponent)

  def high_multiply(self, x: Any, y: Any) -> Any:
    x0, x1, x2 = self._limbs(x)
    y0, y1, y2 = self._limbs(y)
    # The product is p0 + p1 * 2^15 + p2 * 2^30 + p3 * 2^45 + p4 * 2^60.
    p1 = x1 * y0 + x0 * y1 + self._right(x0 * y0)
    # Half of 2^31 is one unit of p2; what lies below p2 cannot carry into the result.
    p2 = x2 * y0 + x1 * y1 + x0 * y2 + self._right(p1) + 1
    p3 = x2 * y1 + x1 * y2
    return self._right(p2, 1) + self._left(p3, _LIMB - 1) + self._left(x2 * y2, 2 * _LIMB - 1)

  def _limbs(self, x: Any) -> tuple[Any, Any, Any]:
    mask = self.integers(_MASK)
    return (
      ops.bitwise_and(x, mask),
      ops.bitwise_and(self._right(x), mask),
      self._right(x, 2 * _LIMB),
    )

  def _right(self, x: Any, exponent: int = _LIMB) -> Any:
    return ops.right_shift(x, self.integers(exponent))

  def _left(self, x: Any, exponent: int) -> Any:
    return ops.left_shift(x, self.integers(exponent))

  def dot(self, x: Any, weights: np.ndarray) -> Any:
    total = None
    for start in range(0, weights.shape[0], MAX_TERMS):
      part = weights[start : start + MAX_TERMS].astype(np.float32)
      values = ops.cast(x[..., start : start + MAX_TERMS], 'float32')
      sums = ops.cast(ops.matmul(values, ops.convert_to_tensor(part)), 'int32')
      total = sums if total is None else total + sums
    return total
