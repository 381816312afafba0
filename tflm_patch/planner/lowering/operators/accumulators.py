# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Biases and requantization of operators with weights, as kernels want them."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.planner.ir.constants import ConstantPool

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
    reach = self.largest_input * np.abs(self.weights.astype(np.int64)).sum(axis=0)
    return int((np.abs(self.bias.astype(np.int64)) + reach).max(initial=0))

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

  def pack(self, pool: ConstantPool) -> dict[str, int]:
    """Fields of tflm_patch_requant, and bias_at; arrays go to the constant pool."""
    small = self.with_small_constants()
    return {
        'bias_at': pool.add(small.bias.astype('<i4')),
        'requant.multiplier_at': pool.add(small.multipliers.astype('<i4')),
        'requant.shift_at': pool.add(small.shifts.astype(np.int8), alignment=1),
        'requant.output_zero_point': small.zero_point,
        'requant.act_min': small.clamp[0],
        'requant.act_max': small.clamp[1],
        'requant.per_channel': int(small.multipliers.size > 1),
        'requant.bounded': int(small.largest() < 1 << 30),
    }


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

  def pack(self, pool: ConstantPool) -> dict[str, int]:
    """Fields of tflm_patch_requant, and bias_at; arrays go to the constant pool."""
    return {
        'bias_at': pool.add(self.bias.astype('<i8')),
        'requant.multiplier_at': pool.add(self.multipliers.astype('<i4')),
        'requant.shift_at': pool.add(self.shifts.astype(np.int8), alignment=1),
        'requant.act_min': self.clamp[0],
        'requant.act_max': self.clamp[1],
        'requant.per_channel': int(self.multipliers.size > 1),
        'requant.wide': int(self.wide),
    }
