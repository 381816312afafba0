# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TFLM's quantization arithmetic, exactly as its kernels' Prepare does it.

Scales are float32 in the file; each function says in which precision TFLM
combines them, because a different order of rounding changes output bytes.
"""

from __future__ import annotations

import math

import numpy as np

from tflm_patch.graph.types import Tensor

INT8_MIN, INT8_MAX = -128, 127


def scale_of(tensor: Tensor) -> float:
  """The only scale of a quantized tensor."""
  assert tensor.quantization is not None
  return tensor.quantization.scale


def zero_point_of(tensor: Tensor) -> int:
  """The only zero point of a quantized tensor."""
  assert tensor.quantization is not None
  return tensor.quantization.zero_point


def round_half_away(value: float) -> int:
  """TfLiteRound (std::round): halves go away from zero."""
  return math.floor(abs(value) + 0.5) * (-1 if value < 0 else 1)


def quantize_multiplier(real: float) -> tuple[int, int]:
  """QuantizeMultiplier of TFLM's quantization_util.

  Args:
    real: A non-negative double.

  Returns:
    (multiplier, shift): real = multiplier * 2^(shift - 31), multiplier in
    [2^30, 2^31) or 0. Positive shifts are to the left.
  """
  if real == 0.0:
    return 0, 0
  fraction, shift = math.frexp(real)
  fixed = round_half_away(fraction * (1 << 31))
  if fixed == 1 << 31:
    fixed //= 2
    shift += 1
  if shift < -31:
    return 0, 0
  return fixed, shift


def multiply_by_quantized_multiplier(value: int, multiplier: int, shift: int) -> int:
  """MultiplyByQuantizedMultiplier with two roundings (gemmlowp's formula).

  Args:
    value: An int32.
    multiplier, shift: As quantize_multiplier gives them.

  Returns:
    The rescaled int32.
  """
  left = max(shift, 0)
  right = max(-shift, 0)
  # The left shift wraps like the int32 it is in C.
  shifted = (value * (1 << left) + (1 << 31)) % (1 << 32) - (1 << 31)
  product = shifted * multiplier
  nudge = (1 << 30) if product >= 0 else 1 - (1 << 30)
  total = product + nudge
  high = abs(total) >> 31
  high = high if total >= 0 else -high
  high = min(high, (1 << 31) - 1)
  mask = (1 << right) - 1
  remainder = high & mask
  threshold = (mask >> 1) + (1 if high < 0 else 0)
  return (high >> right) + (1 if remainder > threshold else 0)


def multiply_by_quantized_multipliers(
  values: np.ndarray, multipliers: np.ndarray | int, shifts: np.ndarray | int
) -> np.ndarray:
  """`multiply_by_quantized_multiplier` of many values.

  Args:
    values: int64[n] of int32 values.
    multipliers, shifts: As quantize_multiplier gives them, one for each or for all; shifts
      are -31..31.

  Returns:
    int64[n].
  """
  shifts = np.asarray(shifts, np.int64)
  right = np.maximum(-shifts, 0)
  shifted = ((values << np.maximum(shifts, 0)) + (1 << 31)) % (1 << 32) - (1 << 31)
  product = shifted * np.asarray(multipliers, np.int64)
  total = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
  high = np.minimum(np.sign(total) * (np.abs(total) >> 31), (1 << 31) - 1)
  mask = (np.int64(1) << right) - 1
  threshold = (mask >> 1) + (high < 0)
  return (high >> right) + ((high & mask) > threshold)


def activation_range(
  activation: int, scale: float, zero_point: int, low: int = INT8_MIN, high: int = INT8_MAX
) -> tuple[int, int]:
  """CalculateActivationRangeQuantized.

  Args:
    activation: ActivationFunctionType of the schema (0 none, 1 relu, 2 relu_n1_to_1, 3 relu6).
    scale, zero_point: Of the output.
    low, high: Range of the output's type.

  Returns:
    The clamp (minimum, maximum) of the output values.

  Raises:
    KeyError: an activation that the kernels of TFLM do not fuse.
  """
  real_low, real_high = _ACTIVATION_BOUNDS[activation]
  minimum, maximum = low, high
  if real_low is not None:
    minimum = max(low, zero_point + _steps(real_low, scale))
  if real_high is not None:
    maximum = min(high, zero_point + _steps(real_high, scale))
  return minimum, maximum


def has_activation_range(activation: int, scale: float, zero_point: int) -> bool:
  """Whether CalculateActivationRangeQuantized gives a range.

  TFLM refuses bounds beyond 32 bits. It lets 2^31 itself pass, as the float32 nearest to the
  largest int32, and then converts it, which C++ does not define; nor does it the sum of -2^31
  and a negative zero point.
  """
  steps = [
    _steps(bound, scale) for bound in _ACTIVATION_BOUNDS.get(activation, ()) if bound is not None
  ]
  return all(is_int32(step) and is_int32(step + zero_point) for step in steps)


def is_int32(value: int) -> bool:
  """Whether a value is in the range of int32."""
  return -(1 << 31) <= value < 1 << 31


# Of ActivationFunctionType's members that TFLM's kernels fuse.
_ACTIVATION_BOUNDS: dict[int, tuple[float | None, float | None]] = {
  0: (None, None),
  1: (0.0, None),
  2: (-1.0, 1.0),
  3: (0.0, 6.0),
}


def _steps(real: float, scale: float) -> int:
  """A real value in steps of a scale; f / scale is a float32 division in TFLM."""
  return round_half_away(float(np.float32(real) / np.float32(scale)))


def convolution_multipliers(
  input_scale: float, filter_scales: np.ndarray, output_scale: float
) -> tuple[np.ndarray, np.ndarray]:
  """PopulateConvolutionQuantizationParams: double(in) * double(filter) / double(out).

  Returns:
    int32 multipliers and int8 shifts, one per filter scale.
  """
  reals = float(input_scale) * np.asarray(filter_scales, np.float64) / float(output_scale)
  # As quantize_multiplier, of all at once.
  fractions, shifts = np.frexp(reals)
  fixed = (np.sign(reals) * np.floor(np.abs(fractions) * (1 << 31) + 0.5)).astype(np.int64)
  carries = np.abs(fixed) == 1 << 31
  fixed, shifts = np.where(carries, fixed // 2, fixed), shifts + carries
  vanish = (reals == 0.0) | (shifts < -31)
  fixed, shifts = np.where(vanish, 0, fixed), np.where(vanish, 0, shifts)
  return np.array(fixed.tolist(), np.int32), np.array(shifts.tolist(), np.int8)


def float_quotient(first: float, second: float) -> float:
  """The float32 quotient of two float32 scales, as a double."""
  return float(np.float32(first) / np.float32(second))
