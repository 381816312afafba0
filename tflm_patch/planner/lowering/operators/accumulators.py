# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Biases and requantization of operators with weights, as kernels want them."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.program.records import Sums

# What a constant channel is scaled by: a quarter, without rounding.
_QUARTER = (1 << 30, -1)
# Beyond this any int8 output is at its clamp.
_SATURATED = 512


@dataclasses.dataclass(frozen=True, eq=False)
class Accumulators:
  """The int32 sums of an operator with weights, and how they become bytes.

  Attributes:
    weights: int8 [taps, channels].
    bias: int32 [channels].
    multipliers, shifts: One per channel or one for all.
    zero_point: Of the output.
    clamp: Of the output, (low, high).
    largest_input: The largest magnitude of what the weights are multiplied by.
  """

  weights: np.ndarray
  bias: np.ndarray
  multipliers: np.ndarray
  shifts: np.ndarray
  zero_point: int
  clamp: tuple[int, int]
  largest_input: int = 128

  def largest(self) -> int:
    """The largest magnitude that a sum reaches for any input."""
    sizes = np.abs(self.weights).view(np.uint8)  # |-128| wraps to 128
    reach = self.largest_input * sizes.sum(axis=0, dtype=np.int64)
    return int((np.abs(self.bias.astype(np.int64)) + reach).max(initial=0))

  def _stays_below(self, limit: int) -> bool:
    """Whether no sum has a magnitude of `limit`; most often without a look at the weights."""
    most = self.largest_input * 128 * self.weights.shape[0]
    most += int(np.abs(self.bias.astype(np.int64)).max(initial=0))
    return most < limit or self.largest() < limit

  def with_small_constants(self) -> Accumulators:
    """The same bytes with small biases where all weights of a channel are zero.

    Training leaves such channels behind; their bias and multiplier can be huge.
    """
    dead = np.flatnonzero(~self.weights.any(axis=0))
    if dead.size == 0 or self.multipliers.size != self.bias.size:
      return self
    bias, multipliers, shifts = self.bias.copy(), self.multipliers.copy(), self.shifts.copy()
    for channel in dead:
      value = quantize.multiply_by_quantized_multiplier(
        int(bias[channel]), int(multipliers[channel]), int(shifts[channel])
      )
      bias[channel] = 4 * min(max(value, -_SATURATED), _SATURATED)
      multipliers[channel], shifts[channel] = _QUARTER
    return dataclasses.replace(self, bias=bias, multipliers=multipliers, shifts=shifts)

  @property
  def kind(self) -> Sums:
    """How far the sums reach."""
    return Sums.BOUNDED if self._stays_below(1 << 30) else Sums.INT32

  @property
  def stored_bias(self) -> np.ndarray:
    """As kernels read it."""
    return self.bias.astype('<i4')


@dataclasses.dataclass(frozen=True, eq=False)
class Int16Accumulators:
  """The sums of an operator with weights on int16 activations, zero points 0.

  Attributes:
    bias: int64 [channels].
    multipliers, shifts: One per channel or one for all.
    clamp: Of the output, (low, high).
    wide: TFLM sums up in 64 bits, not 32.
  """

  bias: np.ndarray
  multipliers: np.ndarray
  shifts: np.ndarray
  clamp: tuple[int, int]
  wide: bool

  @property
  def kind(self) -> Sums:
    """How wide the sums are."""
    return Sums.WIDE if self.wide else Sums.INT32

  @property
  def stored_bias(self) -> np.ndarray:
    """As kernels read it, in the two words of tflm_patch_int64."""
    return self.bias.astype('<i8')
