# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Accesses of kernels, counted by hand from their loops."""

from __future__ import annotations

import pytest

from tflm_patch.cost.traffic import elementwise, operator_traffic
from tflm_patch.cost.work import operator_work
from tflm_patch.program.records import Kind


def window(kernel, stride=1):
  names = {'kernel': kernel, 'stride': stride, 'dilation': 1}
  return {f'window.{name}_{side}': value for name, value in names.items() for side in 'hw'}


def conv(kernel, source, made, scratch=0):
  params = {**window(kernel), 'groups': 1, 'requant.act_min': -128, 'requant.act_max': 127}
  return operator_traffic(operator_work(Kind.CONV_2D, params, source, made, made[0], scratch))


def test_pointwise_that_fits_the_stack_reads_every_value_once_in_words():
  found = conv(1, (8, 10, 32), (8, 10, 16))
  assert found.input == 8 * 10 * 32 / 4
  assert found.output == 8 * 10 * 16
  assert found.scratch == 0
  assert found.weights == pytest.approx(8 * 10 * 16 * 32 / 12)  # two words for 24 products


def test_pointwise_with_scratch_reads_widened_values_there():
  found = conv(1, (8, 10, 240), (8, 10, 16), 4 * 2 * 240)
  assert found.input == 8 * 10 * 240 / 4
  macs = 8 * 10 * 16 * 240
  assert found.scratch == 2 * 8 * 10 * 240 / 4 + macs / 4  # six words for 24 products


def test_pointwise_without_scratch_reads_again_for_every_two_channels():
  found = conv(1, (8, 10, 240), (8, 10, 12))
  assert found.input == 8 * 10 * 240 / 4 * 12 / 2


def test_windows_in_parts_are_read_for_every_32_channels():
  found = conv(1, (8, 10, 240), (8, 10, 48))
  assert found.input == 8 * 10 * 240 / 4 * 2
  assert found.weights == 8 * 10 * 240 * 48 / 12
  assert found.scratch == 0


def test_blocks_read_widened_weights():
  weights = 4 * 240 * 4 // 4
  found = conv(1, (8, 10, 240), (8, 10, 16), weights + 40 * 2 * 240)
  assert found.input == 8 * 10 * 240 / 4
  assert found.weights == 2 * 240 / 4 * 16  # once for 40 pixels
  macs = 8 * 10 * 16 * 240
  widened = 2 * 8 * 10 * 240 / 4 + 2 * 2 * 240 / 4 * 16
  assert found.scratch == widened + macs / 4 + macs / 6


def test_blocks_of_windows_hold_whole_rows():
  columns = 12 * 3 * 16 * 2
  found = conv(3, (8, 10, 16), (8, 10, 16), 4 * 144 + 2 * columns)
  assert found.weights == 4 * 144 / 4 * 16
  part = conv(3, (8, 10, 16), (8, 10, 16), 4 * 144 + columns - 1)
  assert part.weights == 80 / 9 // 1 * 144 / 4 * 16 + 144 / 4 * 16


def test_windows_are_gathered_once():
  found = conv(3, (8, 10, 16), (8, 10, 16), 4 * 3 * 144)
  assert found.input == 8 * 10 * 3 * 3 * 16 / 4


def test_depthwise_reads_each_row_for_each_row_of_its_window():
  params = {**window(3), 'requant.act_min': -128, 'requant.act_max': 127}
  work = operator_work(Kind.DEPTHWISE_CONV_2D, params, (8, 10, 16), (8, 10, 16), 8, 0)
  found = operator_traffic(work)
  assert found.input == 8 * 3 * 10 * 16 / 4
  assert found.output == 8 * 10 * 16
  clamped = {**params, 'requant.act_max': 100}
  work = operator_work(Kind.DEPTHWISE_CONV_2D, clamped, (8, 10, 16), (8, 10, 16), 8, 0)
  assert operator_traffic(work).output == 8 * 10 * 16 * 1.5  # and once more, in words


def test_others_read_and_write_once():
  shape = (4, 5, 8)
  assert operator_traffic(operator_work(Kind.LOOKUP, {}, shape, shape, 4, 0)).input == 160
  assert operator_traffic(operator_work(Kind.ADD, {}, shape, shape, 4, 0)).input == 40
  assert elementwise(Kind.MUL, 160) == 160
  pool = operator_work(Kind.MAX_POOL_2D, window(2, 2), (4, 6, 8), (2, 3, 8), 2, 0)
  assert operator_traffic(pool).input == 2 * 3 * 8 * 4


@pytest.mark.parametrize('kind', [Kind.CROP, Kind.JOIN])
def test_views_access_nothing(kind):
  found = operator_traffic(operator_work(kind, {}, (4, 5, 8), (4, 5, 8), 4, 0))
  assert (found.input, found.output, found.scratch, found.weights) == (0, 0, 0, 0)
