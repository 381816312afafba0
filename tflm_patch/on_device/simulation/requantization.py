# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From sums to the bytes that TFLM makes of them, and where gradients pass the clamp."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.quantization.exact import NumpyArithmetic

_EXACT_SUM = 1 << 22  # times a multiplier below 2^31 is exact in float64


@dataclasses.dataclass(frozen=True, eq=False)
class Requantization:
  """MultiplyByQuantizedMultiplier, the output's zero point and its clamp.

  Attributes:
    multipliers: int[channels], or one for all, as TFLM prepares them.
    shifts: Likewise; positive is left.
    zero_point: Of the output.
    low, high: The clamp.
  """

  multipliers: np.ndarray
  shifts: np.ndarray
  zero_point: int
  low: int
  high: int

  def apply(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Output values float32[..., channels], and which lie within the clamp, not at its limits.

    Args:
      sums: float64[..., channels] of whole numbers within int32; is used as scratch.
    """
    shifts = np.asarray(self.shifts, np.int64)
    largest = max(float(sums.max(initial=0)), -float(sums.min(initial=0)))
    if np.any(shifts > 0) or largest >= _EXACT_SUM:
      scaled = NumpyArithmetic().multiply(sums.astype(np.int64), self.multipliers, shifts)
      moved = (scaled + self.zero_point).astype(np.float64)
    else:
      moved = self._scaled(sums, shifts)
    inside = (moved > self.low) & (moved < self.high)
    return np.clip(moved, self.low, self.high).astype(np.float32), inside

  def _scaled(self, sums: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """The same in float64, where products are exact: both of TFLM's roundings."""
    sums *= np.asarray(self.multipliers, np.float64)
    sums += 1 << 30
    sums *= 2.0**-31
    np.floor(sums, out=sums)  # x * y / 2^31, halves up
    sums *= 2.0**shifts
    sums += np.copysign(0.5, sums)  # halves away from zero
    np.trunc(sums, out=sums)
    sums += self.zero_point
    return sums
