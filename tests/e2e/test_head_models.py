# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Networks with heads: no operator stays stock, and the bytes are TFLM's."""

import pytest
from support.compare import check_conversion
from support.head_models import NETWORKS, blaze_face, line_net, ssd, yolo

from tflm_patch.api import ConvertOptions, convert_model

SMALL = {
  'yolo': lambda: yolo(64, 8, 3),
  'blaze_face': lambda: blaze_face(64),
  'line_net': lambda: line_net(96, 4),
  'ssd': lambda: ssd(96),
}


@pytest.mark.parametrize('name', SMALL)
def test_no_operator_stays_stock(name):
  assert set(SMALL) == set(NETWORKS)
  result = check_conversion(SMALL[name](), ConvertOptions(), 2)
  assert result.stages
  assert result.stock_operators == ()


@pytest.mark.parametrize('name', ['yolo', 'blaze_face', 'ssd'])
def test_one_stage_takes_the_image_row_by_row(name):
  result = convert_model(SMALL[name](), ConvertOptions(input_rows=1))
  assert len(result.stages) == 1
  assert result.stock_operators == ()


def test_global_max_pooling_no_longer_keeps_a_map():
  """The map before it was 25 KB: stock REDUCE_MAX needed it whole."""
  result = convert_model(line_net(), ConvertOptions())
  assert len(result.stages) == 1
  assert result.converted_arena.total < 0.6 * 21252


@pytest.mark.slow
def test_ssd_by_rows_is_laid_out_in_little_memory():
  """36,920 bytes before items that find no place went earlier in every order."""
  assert convert_model(ssd(), ConvertOptions(input_rows=1)).converted_arena.total <= 36_216
