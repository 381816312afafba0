# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Inputs that are only requantized: a stage consumes their rows in place."""

import pytest
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.verify import compare

SIDE = 64


def network(dtype, channels):
  b = ModelBuilder(3)
  x = b.input((1, SIDE, SIDE, 3), dtype)
  if dtype != DType.INT8:
    x = b.quantize(x)
  y = b.conv(b.depthwise(b.conv(x, 16, 3, 2)), 16, 1)
  b.output(b.conv(b.depthwise(y), channels, 1))
  return b.build()


def head(dtype, channels, **options):
  data = network(dtype, channels)
  result = convert_model(data, ConvertOptions(**options))
  inputs = sample_inputs(parse_model(data), 2)
  assert compare(data, result.data, inputs, None).bit_exact
  return result.converted_arena.head


@pytest.mark.slow
@pytest.mark.parametrize('channels', [2, 16])
def test_uint8_costs_what_int8_does(channels):
  interface = SIDE * SIDE * 3 + (SIDE // 2) ** 2 * channels
  found = head(DType.UINT8, channels)
  assert found == head(DType.INT8, channels) < interface + 4096


def test_float_is_held_once_by_a_stage():
  """The input and the output: int8 rows lie where float rows were read."""
  output = (SIDE // 2) ** 2 * 2
  assert head(DType.FLOAT32, 2, force_stage=True) == 4 * SIDE * SIDE * 3 + output


def test_float_is_held_once_by_stock_operators():
  assert head(DType.FLOAT32, 16) == 4 * SIDE * SIDE * 3
