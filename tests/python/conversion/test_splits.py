# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Regions that become two stages, because TFLM keeps inputs and outputs whole."""

import pytest
from support.compare import check_conversion
from support.detector_models import pose_network
from support.memory_check import check_memory
from support.model_builder import ModelBuilder

from tflm_patch.analysis.memory import analyze_conversion
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.types import DType

IMAGE, OUTPUTS = 192 * 192 * 3, 48 * 48 * 68


@pytest.fixture(scope='module')
def pose():
  return convert_model(pose_network())


def test_two_stages_need_less_than_input_and_outputs_together(pose):
  assert len(pose.stages) == 2
  assert pose.converted_arena.head < 0.75 * (IMAGE + OUTPUTS)
  whole = convert_model(pose_network(), ConvertOptions(force_stage=True))
  (stage,) = whole.stages
  assert whole.converted_arena.head >= IMAGE + OUTPUTS
  assert stage.plan.tensor_bytes == IMAGE + OUTPUTS


def test_the_bound_is_named_and_adds_up(pose):
  whole = convert_model(pose_network(), ConvertOptions(force_stage=True))
  for result, tensors in ((whole, {IMAGE, 48 * 48 * 34}), (pose, {48 * 48 * 34})):
    bound = analyze_conversion(result).bound_after
    assert 'its inputs and outputs' in bound.where
    assert sum(size for _, size in bound.parts) == bound.bytes == result.converted_arena.head
    assert tensors <= {size for _, size in bound.parts}


def test_outputs_are_the_same_and_nothing_is_overwritten():
  result = check_conversion(pose_network(64), ConvertOptions(), 3)
  assert len(result.stages) == 2
  for stage in result.stages:
    check_memory(stage.plan)


@pytest.mark.parametrize('dtype', [DType.UINT8, DType.FLOAT32])
def test_an_input_that_is_only_requantized_is_not_held_twice(dtype):
  result = check_conversion(pose_network(64, dtype), ConvertOptions(), 2)
  image = 64 * 64 * 3
  given = image * (dtype.bytes or 0)
  outputs = 16 * 16 * 68
  assert result.converted_arena.head < max(given + image, 0.75 * (image + outputs) + 16)


def test_no_cut_where_the_rows_bound_the_stage():
  b = ModelBuilder(8)
  x = b.conv(b.input((1, 32, 32, 3)), 16, 3, 2)
  x = b.conv(b.conv(x, 32, 3), 16, 3)
  b.output(b.fully_connected(b.mean(x), 3))
  assert len(convert_model(b.build()).stages) == 1
