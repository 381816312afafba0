# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What vectors of 16 values have to do, counted by hand."""

from __future__ import annotations

import pytest

from tflm_patch.cost import vectors
from tflm_patch.cost.work import OperatorWork
from tflm_patch.program.records import Kind


def work(kind, source, made, kernel=(1, 1), stride=(1, 1), calls=1):
  cell = source[2] if kind == Kind.CONV_2D else 1
  macs = kernel[0] * kernel[1] * cell * made[0] * made[1] * made[2]
  return OperatorWork(kind, source, made, kernel, stride, (1, 1), False, macs, calls, 0, 0)


def counted(*arguments, **keywords):
  """What is not 0."""
  found = vectors.features_of(work(*arguments, **keywords))
  assert set(found) == set(vectors.FEATURES)
  return {name: value for name, value in found.items() if value}


@pytest.mark.parametrize(
  ('depth', 'pixels', 'expected'),
  [
    (16, 10, {'short_fours': 10 * 8}),
    (17, 10, {'resident_products': 2 * 16 * 5, 'resident_pairs': 16 * 5}),
    (17, 5, {'pixel_products': 2 * 5 * 8, 'pixel_fours': 5 * 8}),
    (64, 10, {'pixel_products': 4 * 10 * 8, 'pixel_fours': 10 * 8}),
    (100, 10, {'tile_products': 7 * 16 * 4, 'tile_runs': 16 * 4, 'tiles_of_6': 16 * 4}),
  ],
)
def test_pixels_by_channels(depth, pixels, expected):
  found = counted(Kind.CONV_2D, (1, pixels, depth), (1, pixels, 32))
  assert {name: found[name] for name in found if name != 'vectors'} == expected


def test_columns_at_an_edge_are_made_one_by_one():
  found = counted(Kind.CONV_2D, (8, 8, 16), (8, 8, 32), (3, 3))
  assert found['edge_products'] == 8 * 2 * 8 * 9
  # Six columns, two tiles of three; kernel rows in the map: 2, then six times 3, then 2.
  assert found['tile_runs'] == 16 * 2 * 22


def test_kernel_rows_outside_the_map_cost_nothing():
  found = counted(Kind.DEPTHWISE_CONV_2D, (3, 3, 32), (3, 3, 32), (7, 7))
  assert found['tap_vectors'] == 2 * 3 * (3 * 3) * 7
  assert found['block_groups'] == found['block_rows'] == 2 * 3


def test_depthwise_rows_of_a_call_share_their_constants():
  by_rows = counted(Kind.DEPTHWISE_CONV_2D, (25, 5, 64), (25, 5, 64), (3, 3), calls=25)
  at_once = counted(Kind.DEPTHWISE_CONV_2D, (25, 5, 64), (25, 5, 64), (3, 3))
  assert (by_rows['block_groups'], at_once['block_groups']) == (4 * 25, 4 * 7)
  assert by_rows['narrow_vectors'] == at_once['narrow_vectors'] == 25 * 5 * 4


@pytest.mark.parametrize(
  ('channels', 'blocks', 'single'), [(7, 0, 7), (8, 1, 0), (14, 1, 0), (16, 1, 0), (18, 2, 0)]
)
def test_channels_of_a_block_and_single_ones(channels, blocks, single):
  found = counted(Kind.DEPTHWISE_CONV_2D, (9, 20, channels), (9, 20, channels), (3, 3))
  assert found.get('block_rows', 0) == 9 * blocks
  assert found.get('strips', 0) == 9 * single


def test_a_small_rest_of_a_large_window_is_made_channel_by_channel():
  found = counted(Kind.DEPTHWISE_CONV_2D, (9, 20, 21), (9, 20, 21), (5, 5))
  assert (found['block_rows'], found['strips'], found['strip_fours']) == (9, 9 * 5, 9 * 5 * 5)
