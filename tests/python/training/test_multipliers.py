# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Integer multipliers and integers of weights from float32, beside those in double."""

import numpy as np
import pytest

from tflm_patch.graph.quantize import (
  multiply_by_quantized_multiplier,
  quantize_multiplier,
  round_half_away,
)
from tflm_patch.planner.lowering.operators.mean import mean_multiplier


@pytest.fixture(scope='module')
def modules(keras):
  from tflm_patch.training.quantization_aware import multipliers, rounding

  return keras.ops, multipliers, rounding


def _scales(rng, count):
  return np.exp(rng.uniform(np.log(1e-5), np.log(10), count)).astype(np.float32)


def _pairs(ops, found):
  shift = ops.convert_to_numpy(found.left) - ops.convert_to_numpy(found.right)
  return ops.convert_to_numpy(found.multiplier).astype(np.int64), shift


def test_multipliers_are_those_of_double_to_one_unit(modules):
  ops, multipliers, _ = modules
  rng = np.random.default_rng(0)
  first, second, divisor = (_scales(rng, 500) for _ in range(3))
  found, shifts = _pairs(ops, multipliers.multiplier_of(first, second, divisor))
  wanted = [
    quantize_multiplier(float(a) * float(b) / float(c)) for a, b, c in zip(first, second, divisor)
  ]
  for ours, shift, (theirs, their_shift) in zip(found, shifts, wanted):
    # Just below a power of 2 the mantissa may be 2^30 - 1 and a bit, with the next shift.
    difference = int(ours) * 2.0 ** (shift - their_shift) - theirs
    assert abs(difference) <= (1 if shift == their_shift else 2)


def test_powers_of_two_are_exact(modules):
  ops, multipliers, _ = modules
  found, shifts = _pairs(ops, multipliers.multiplier_of(np.float32([0.3, 0.3]), 1.0, [0.6, 0.3]))
  assert found.tolist() == [1 << 30, 1 << 30] and shifts.tolist() == [0, 1]


@pytest.mark.parametrize('count', [1, 9, 49, 64, 196])
def test_means_divide_as_tflm_does(modules, count):
  ops, multipliers, _ = modules
  first, second = np.float32([0.0231, 0.7]), np.float32([0.0117, 0.71])
  whole = multipliers.multiplier_of(first, np.float32([1, 1]), second)
  found, shifts = _pairs(ops, multipliers.divided(whole, count))
  for ours, shift, a, b in zip(found, shifts, first, second):
    wanted = mean_multiplier(float(a), float(b), count)
    assert abs(int(ours) - wanted[0]) <= 1 and shift == wanted[1]


def test_nearest_is_that_of_double(modules):
  ops, multipliers, _ = modules
  rng = np.random.default_rng(1)
  scales, index = _scales(rng, 8), rng.integers(0, 8, 4000).astype(np.int32)
  halves = (rng.integers(-127, 127, 4000) + 0.5) * scales[index].astype(np.float64)
  x = (halves * (1 + rng.choice([-1e-7, 0, 1e-7], 4000))).astype(np.float32)
  found = ops.convert_to_numpy(multipliers.nearest(x, scales, index))
  np.testing.assert_array_equal(found, np.rint(x.astype(np.float64) / scales[index]))


def test_bias_steps_are_those_of_double(modules):
  ops, multipliers, _ = modules
  rng = np.random.default_rng(2)
  first, second = _scales(rng, 2000), _scales(rng, 2000)
  exact = first.astype(np.float64) * second
  x = (rng.integers(-(1 << 22), 1 << 22, 2000) * exact).astype(np.float32)
  found = ops.convert_to_numpy(multipliers.nearest_of_product(x, first, second))
  quotient = x.astype(np.float64) / exact
  clear = np.abs(quotient - np.floor(quotient) - 0.5) > 2e-3
  assert clear.sum() > 1900
  np.testing.assert_array_equal(found[clear], np.rint(quotient)[clear])


@pytest.mark.parametrize('shift', [-12, -8, -1, 0])
def test_one_rounding_does_what_both_of_tflm_do(modules, shift):
  ops, _, rounding = modules
  multiplier = 1518500250
  sums = np.arange(-3000, 3000)
  real = sums * (multiplier / (1 << 31)) * 2.0**shift
  found = ops.convert_to_numpy(rounding.twice_rounded(real.astype(np.float32), np.float32(-shift)))
  wanted = [multiply_by_quantized_multiplier(int(x), multiplier, shift) for x in sums]
  np.testing.assert_array_equal(found, wanted)
  once = [round_half_away(float(x)) for x in real]
  assert shift in (0, -12) or once != wanted  # one plain rounding is not enough
