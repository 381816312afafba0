# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Requantization of many values and of interval ends."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tflm_patch.channels.borders import seen_taps, window_sums
from tflm_patch.channels.ranges import Ranges, Sums, requantized
from tflm_patch.channels.weighted import tap_bounds, weight_keys
from tflm_patch.graph import quantize
from tflm_patch.graph.axis_window import AxisWindow
from tflm_patch.program.params import Requant

INT32 = st.integers(-(1 << 31), (1 << 31) - 1)
MULTIPLIERS = st.one_of(st.just(0), st.integers(1 << 30, (1 << 31) - 1))


@given(st.lists(st.tuples(INT32, MULTIPLIERS, st.integers(-31, 31)), min_size=1))
def test_many_values_are_scaled_as_one(cases):
  values, multipliers, shifts = (np.array(column, np.int64) for column in zip(*cases))
  found = quantize.multiply_by_quantized_multipliers(values, multipliers, shifts)
  assert found.tolist() == [quantize.multiply_by_quantized_multiplier(*case) for case in cases]


@given(
  st.integers(-40000, 40000),
  st.integers(0, 60),
  MULTIPLIERS,
  st.integers(-14, 20),
  st.integers(-128, 127),
)
def test_every_sum_of_an_interval_lands_in_its_range(low, length, multiplier, shift, zero_point):
  requant = Requant(
    multipliers=np.array([multiplier]),
    shifts=np.array([shift]),
    act_min=-100,
    act_max=120,
    output_zero_point=zero_point,
  )
  found = requantized(Sums(np.array([low]), np.array([low + length])), requant)
  made = [
    min(
      max(quantize.multiply_by_quantized_multiplier(value, multiplier, shift) + zero_point, -100),
      120,
    )
    for value in range(low, low + length + 1)
  ]
  assert found.low[0] <= min(made) and max(made) <= found.high[0]
  wraps = length and max(abs(low), abs(low + length)) << max(shift, 0) >= 1 << 31
  if not wraps:
    assert (found.low[0], found.high[0]) == (min(made), max(made))


def test_ranges():
  ranges = Ranges(np.array([-5, 3]), np.array([7, 3]))
  assert ranges.constant.tolist() == [False, True]
  assert ranges.joined(9).high.tolist() == [9, 9]
  assert ranges.clamped(0, 4).low.tolist() == [0, 3]
  assert ranges.tiled(2).high.tolist() == [7, 3, 7, 3]


@given(
  st.integers(1, 4),
  st.integers(1, 3),
  st.integers(1, 2),
  st.integers(0, 3),
  st.integers(1, 8),
  st.integers(1, 6),
)
def test_the_ways_of_a_window_at_the_borders(kernel, stride, dilation, pad, size, out):
  window = AxisWindow(kernel, stride, dilation, pad)
  rng = np.random.default_rng(0)
  taps, outside = rng.integers(-9, 9, (2, kernel, 1, 2))
  seen = [seen_taps(window, size, out), np.ones((1, 1), bool)]
  wanted = set()
  for position in range(out):
    at = [position * stride - pad + t * dilation for t in range(kernel)]
    chosen = [taps[t, 0] if 0 <= at[t] < size else outside[t, 0] for t in range(kernel)]
    wanted.add(tuple(np.sum(chosen, axis=0).tolist()))
  assert {tuple(way) for way in window_sums(taps, outside, seen).tolist()} == wanted


WEIGHTS = st.lists(
  st.lists(st.sampled_from([-128, -127, -1, 0, 1, 127]), min_size=4, max_size=4),
  min_size=1,
  max_size=5,
)


@given(
  WEIGHTS,
  st.lists(
    st.tuples(st.sampled_from([-128, 0, 5]), st.sampled_from([0, 3, 127])), min_size=4, max_size=4
  ),
)
def test_bounds_of_taps_are_those_of_every_product(rows, ends):
  weights = np.array(rows, np.int8)
  low = np.array([min(pair) for pair in ends], np.int64)
  high = np.array([max(pair) for pair in ends], np.int64)
  products = np.stack([weights.astype(np.int64) * low, weights.astype(np.int64) * high])
  least, most = tap_bounds(weights, Ranges(low, high))
  assert least.tolist() == products.min(axis=0).sum(axis=1).tolist()
  assert most.tolist() == products.max(axis=0).sum(axis=1).tolist()


@given(WEIGHTS, st.data())
def test_keys_of_channels_are_equal_where_all_is_equal(rows, data):
  some = st.lists(st.integers(0, 1), min_size=len(rows), max_size=len(rows))
  biases, scales = np.array(data.draw(some), np.int64), np.array(data.draw(some), np.float32)
  keys = weight_keys(np.array(rows, np.int8), biases, scales)
  wanted = list(zip(map(tuple, rows), biases.tolist(), scales.tolist()))
  for i, key in enumerate(keys):
    assert [key == other for other in keys] == [wanted[i] == other for other in wanted]
