# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Outputs over inputs, one over the other."""

import pytest
from support.compare import check_conversion
from support.memory_check import check_memory
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.planner.ir.stage_graph import InPlace
from tflm_patch.planner.memory import buffers as memory_buffers
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.schedule import order


def chain(channels=6, groups=1, stride=1):
  """Behind a convolution, one that is depthwise and two that are pointwise."""
  b = ModelBuilder(5)
  x = b.conv(b.input((1, 12, 9, 3)), 6, 3)
  x = b.depthwise(x, stride=stride)
  x = b.conv(x, channels, 1)
  x = b.conv(x, min(channels, 4), 1)
  b.output(b.conv(x, 9, 1))
  return b.build()


def planned(data):
  options = ConvertOptions(plugins=('-constant_channels',), force_stage=True)
  (stage,) = convert_model(data, options).stages
  return stage.plan.graph


def shared(graph):
  """Of all operators in one stream, the maps that share an item with the first one's."""
  whole = (0, len(graph.ops))
  found = memory_buffers.variants(graph, [whole], order.simulate(graph, range(*whole)))[0]
  (buffer,) = [buffer for buffer in found.buffers if buffer.map == graph.ops[0].outputs[0]]
  return [m for m, _ in buffer.guests]


@pytest.mark.parametrize('stride', [1, 2])
def test_pointwise_convolutions_share_the_ring_of_a_depthwise_one(stride):
  data = chain(stride=stride)
  graph = planned(data)
  assert shared(graph) == [op.outputs[0] for op in graph.ops[1:4]]
  result = check_conversion(data, ConvertOptions(force_stage=True), 6)
  check_memory(result.stages[0].plan)


def test_a_convolution_that_widens_has_its_own_ring():
  graph = planned(chain(channels=7))
  assert shared(graph) == [graph.ops[1].outputs[0]]


def test_ways_over_each_other():
  below = InPlace(0, row_shift=1, gap_bytes=8, row_step=2)
  assert InPlace(0).over(below) == below
  assert InPlace(0, row_shift=2, gap_bytes=3).over(below) == InPlace(0, 5, 11, 2)
  # Row r lies over row 2r - 1, that one over row 2(2r - 1) - 1.
  assert below.over(below) == InPlace(0, 3, 16, 4)


def test_fewer_rows_than_the_ring_that_they_lie_over():
  """A slice of one row over the ring of a sum."""
  b = ModelBuilder(671)
  x = b.input((1, 5, 5, 4))
  x = b.add(x, b.conv(x, 4, 3), activation='RELU')
  y = b.conv(b.depthwise(b.conv(x, 8, 1), 1, 3), 4, 1)
  x = b.strided_slice(b.add(x, y), [0, 0, 0, 0], [1, 1, 4, 4], [1, 1, 1, 1])
  b.output(b.conv(x, 3, 1))
  options = ConvertOptions(force_stage=True, plan=PlanOptions(schedule='stream'))
  result = check_conversion(b.build(), options, 4)
  (stage,) = result.stages
  for feature_map, place in zip(stage.plan.graph.maps, stage.plan.maps):
    assert place.split <= place.ring_rows <= feature_map.rows
  check_memory(stage.plan)
