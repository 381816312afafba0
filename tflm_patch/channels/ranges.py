# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Intervals of int8 values, one for each channel, and how requantization maps them."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.program.fields import stored
from tflm_patch.program.params import Requant

_INT32 = 1 << 31


@dataclasses.dataclass(frozen=True, eq=False)
class Ranges:
  """The values that the channels of a tensor can take.

  Attributes:
    low, high: int64[channels], both included.
  """

  low: np.ndarray
  high: np.ndarray

  @classmethod
  def whole(cls, channels: int) -> Ranges:
    """Any int8 value."""
    return cls(np.full(channels, -128, np.int64), np.full(channels, 127, np.int64))

  @property
  def constant(self) -> np.ndarray:
    """bool[channels]: where there is one value only."""
    return self.low == self.high

  def clamped(self, low: int, high: int) -> Ranges:
    """After a clamp."""
    return Ranges(np.clip(self.low, low, high), np.clip(self.high, low, high))

  def joined(self, value: int) -> Ranges:
    """Where a value may stand among the others."""
    return Ranges(np.minimum(self.low, value), np.maximum(self.high, value))

  def tiled(self, times: int) -> Ranges:
    """Of the same channels several times over."""
    return Ranges(np.tile(self.low, times), np.tile(self.high, times))

  def of(self, channels: np.ndarray, known: np.ndarray) -> Ranges:
    """Of some of the channels; those that are not known can be anything."""
    whole = Ranges.whole(channels.size)
    return Ranges(
      np.where(known, self.low[channels], whole.low),
      np.where(known, self.high[channels], whole.high),
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Sums:
  """The int32 sums that the channels of an operator with weights can reach, biases included.

  Attributes:
    low, high: int64[channels].
  """

  low: np.ndarray
  high: np.ndarray


def rescaled(
  low: np.ndarray, high: np.ndarray, multiplier: int, shift: int
) -> tuple[np.ndarray, np.ndarray] | None:
  """MultiplyByQuantizedMultiplier of interval ends, which it keeps in order.

  None where it would wrap in its left shift, and so be of no order.
  """
  largest = max(int(np.abs(low).max(initial=0)), int(np.abs(high).max(initial=0)))
  if largest << max(shift, 0) >= _INT32 or abs(shift) > 31:
    return None
  low, high = (
    quantize.multiply_by_quantized_multipliers(ends, multiplier, shift) for ends in (low, high)
  )
  return low, high


def requantized(sums: Sums, requant: Requant) -> Ranges:
  """The bytes that sums become; the whole clamp where the arithmetic may wrap."""
  count = sums.low.size
  multipliers = np.broadcast_to(stored(requant.multipliers), count)
  shifts = np.broadcast_to(stored(requant.shifts), count)
  largest = np.maximum(np.abs(sums.low), np.abs(sums.high))
  varies = sums.low != sums.high
  # Shifts beyond 31 make everything wrap; interval ends of such channels are not looked at.
  reach = largest << np.where(varies, np.clip(shifts, 0, 31), 0)
  wraps = (largest >= _INT32) | (reach >= _INT32) | (np.abs(shifts.astype(np.int64)) > 31)
  low, high = (
    quantize.multiply_by_quantized_multipliers(
      np.where(wraps, 0, ends), multipliers, np.where(wraps, 0, shifts)
    )
    + requant.output_zero_point
    for ends in (sums.low, sums.high)
  )
  low, high = np.where(wraps, requant.act_min, low), np.where(wraps, requant.act_max, high)
  return Ranges(low, high).clamped(requant.act_min, requant.act_max)
