# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""int8 weights and integer biases of an operator.

Weights are symmetric, in -127..127, with one scale per output channel (or one for all);
the bias has the scale of the sums: input scale times weight scale.
"""

from __future__ import annotations

import dataclasses

import numpy as np

_MAX_WEIGHT = 127
BIAS_LIMITS = {False: float(1 << 30), True: float(1 << 46)}


@dataclasses.dataclass(frozen=True)
class QuantizedWeights:
  """Weights, their scales, and the bias.

  Attributes:
    weights: int8, of the float weights' shape.
    scales: float32[channels] or float32[1].
    bias: int32[channels], int64 with int16 activations.
  """

  weights: np.ndarray
  scales: np.ndarray
  bias: np.ndarray


def quantize_weights(
  weights: np.ndarray,
  bias: np.ndarray,
  axis: int,
  input_scale: float,
  per_channel: bool = True,
  wide_bias: bool = False,
) -> QuantizedWeights:
  """Quantizes the weights of an operator.

  Args:
    weights: float[...].
    bias: float[channels].
    axis: The dimension of the output channels.
    input_scale: Of the operator's input.
    per_channel: One scale per output channel; otherwise one for all.
    wide_bias: The bias is int64 instead of int32.

  Returns:
    The integers. Channels of zeros, and those whose bias would leave half of its range,
    have larger scales than their weights ask for.
  """
  weights, bias = np.asarray(weights, np.float64), np.asarray(bias, np.float64)
  others = tuple(a for a in range(weights.ndim) if a != axis)
  largest = np.abs(weights).max(axis=others)
  if not per_channel:
    largest = np.full_like(largest, largest.max(initial=0.0))
  usual = largest.max(initial=0.0) or 1.0
  scales = np.where(largest > 0, largest, usual) / _MAX_WEIGHT
  # A bias must leave room for the sum: half of its range, as in TFLite.
  scales = np.maximum(scales, np.abs(bias) / (input_scale * BIAS_LIMITS[wide_bias]))
  if not per_channel:
    scales = np.full_like(scales, scales.max())
  scales = scales.astype(np.float32)
  shape = [1] * weights.ndim
  shape[axis] = -1
  steps = scales.astype(np.float64)
  values = np.clip(np.rint(weights / steps.reshape(shape)), -_MAX_WEIGHT, _MAX_WEIGHT)
  sums = np.rint(bias / (np.float64(np.float32(input_scale)) * steps))
  return QuantizedWeights(
    values.astype(np.int8),
    scales if per_channel else scales[:1],
    sums.astype(np.int64 if wide_bias else np.int32),
  )
