# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of exponentials of SOFTMAX, in TFLM's fixed-point arithmetic.

TFLM's int8 softmax rescales the difference of a value to its row's maximum to
Q5.26 and takes exp of it in Q0.31. An int8 row has only 256 such differences, so
their exponentials are made here, in exact integers, with the same roundings.
"""

from __future__ import annotations

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.operators import fixed_point

_INTEGER_BITS = 5  # of the rescaled difference
_FRACTION_BITS = 31 - _INTEGER_BITS


def difference_scale(beta: float, input_scale: float) -> tuple[int, int]:
  """The multiplier and shift that bring a difference of int8 values to Q5.26.

  Raises:
    ValueError: beta * input_scale is not a number above 2^-26, which TFLM's
      kernels refuse.
  """
  real = float(beta) * float(input_scale) * (1 << _FRACTION_BITS)
  if not real > 1.0:
    raise ValueError(f'softmax with beta {beta:g} and input scale {input_scale:g}')
  return quantize.quantize_multiplier(min(real, float(fixed_point.INT32_MAX)))


def exp_table(beta: float, input_scale: float) -> tuple[np.ndarray, int]:
  """The exponentials that an int8 SOFTMAX needs.

  Args:
    beta: The operator's beta, a float32 value.
    input_scale: Scale of the input, a float32 value.

  Returns:
    table: int32[256]; entry i is exp(-i * beta * input_scale) in Q0.31 as TFLM's
      kernel computes it, and 0 where the kernel leaves the difference out.
    diff_min: Differences below it are left out; in -255..0.

  Raises:
    ValueError: as `difference_scale`.
  """
  multiplier, shift = difference_scale(beta, input_scale)
  radius = (((1 << _INTEGER_BITS) - 1) << _FRACTION_BITS) >> shift
  diff_min = -min(radius, 255)
  table = np.zeros(256, np.int32)
  for i in range(-diff_min + 1):
    difference = quantize.multiply_by_quantized_multiplier(-i, multiplier, shift)
    table[i] = fixed_point.exp_on_negative_values(difference, _INTEGER_BITS)
  return table, diff_min
