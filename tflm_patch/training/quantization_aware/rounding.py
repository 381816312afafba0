# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Rounding with straight-through gradients, and TFLM's way from sums to bytes."""

from __future__ import annotations

from typing import Any

from keras import ops

from tflm_patch.quantization.exact.keras_arithmetic import KerasArithmetic
from tflm_patch.training.quantization_aware.multipliers import Multiplier

_EXACT = KerasArithmetic()


def straight_through(rounded: Any, exact: Any) -> Any:
  """`rounded`, whose gradient is that of `exact`."""
  return ops.stop_gradient(rounded) + (exact - ops.stop_gradient(exact))


def half_away(x: Any) -> Any:
  """The nearest integers, halves away from zero."""
  return ops.sign(x) * ops.floor(ops.abs(x) + 0.5)


def twice_rounded(x: Any, right: Any) -> Any:
  """What TFLM's two roundings, to 2^-right and to integers, make of real values.

  A value just below a half that is rounded to it first goes away from zero: both together
  are one rounding whose border lies 2^-(right + 1) nearer to zero.

  Args:
    x: Real results, in steps of the output.
    right: float32, the right shift; 0 rounds once, halves up.
  """
  closer = ops.where(right > 0, 0.5 * ops.exp2(-right), 0.0)
  return ops.floor(x + ops.where(x > 0, 0.5 + closer, 0.5 - closer))


def exactly_scaled(integers: Any, multiplier: Multiplier) -> Any:
  """MultiplyByQuantizedMultiplier of int32; int32."""
  shifted = _EXACT.shift_left(integers, multiplier.left)
  high = _EXACT.high_multiply(shifted, multiplier.multiplier)
  return _EXACT.rounding_divide(high, multiplier.right)
