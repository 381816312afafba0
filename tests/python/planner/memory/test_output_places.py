# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What an output may lie over lies in the output's memory, if nobody reads it later."""

from __future__ import annotations

import dataclasses

import pytest
from support.compare import check_conversion
from support.memory_check import check_memory
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.planner import plan as planner_plan
from tflm_patch.planner.memory import buffers as memory_buffers
from tflm_patch.planner.native import library
from tflm_patch.planner.schedule import order
from tflm_patch.program.records import Region


def heads(is_read_again=False, has_relu=False):
  """A wide map, of which LOGISTIC makes the output."""
  b = ModelBuilder(6)
  x = b.conv(b.input((1, 24, 24, 3)), 6, 3)
  y = b.conv(x, 40, 1)
  if has_relu:
    y = b.relu(y)
  outputs = [b.logistic(y)]
  if is_read_again:
    outputs.append(b.mean(y))
  b.output(*outputs)
  return b.build()


def stage_graph(data):
  (stage,) = convert_model(data, ConvertOptions(force_stage=True)).stages
  return stage.plan.graph


def cut_everywhere(graph):
  cuts = [(i, i + 1) for i in range(len(graph.ops))]
  steps = [step for cut in cuts for step in order.simulate(graph, range(*cut))]
  return cuts, memory_buffers.variants(graph, cuts, steps)[0]


@pytest.mark.parametrize('has_relu', [False, True])
def test_the_map_before_the_output_lies_in_its_memory(has_relu):
  graph = stage_graph(heads(has_relu=has_relu))
  _, buffers = cut_everywhere(graph)
  out = graph.outputs[0]
  below = graph.ops[-1].inputs[0]
  assert buffers.in_outputs[below] == out
  assert below not in {buffer.map for buffer in buffers.buffers}
  # The output's rows are there from when those of the map are made.
  (shape,) = buffers.tensors[out].shapes
  assert shape.first_time < buffers.length - graph.ops[-1].steps
  plan = planner_plan.Planner(graph).fixed('layer')
  check_memory(plan)
  assert plan.maps[below].region == plan.maps[out].region >= Region.TENSOR
  # The first map alone lies in the workspace.
  assert plan.workspace_bytes <= graph.maps[graph.ops[0].outputs[0]].bytes + 16


def test_what_is_read_again_stays_in_the_workspace():
  graph = stage_graph(heads(is_read_again=True))
  _, buffers = cut_everywhere(graph)
  wide = next(op.inputs[0] for op in graph.ops if op.kind.name == 'LOOKUP')
  assert wide not in buffers.in_outputs
  check_memory(planner_plan.Planner(graph).fixed('layer'))


def test_the_library_finds_the_same():
  for data in (heads(), heads(has_relu=True), heads(is_read_again=True)):
    graph = stage_graph(data)
    cuts, buffers = cut_everywhere(graph)
    native = planner_plan.Planner(graph).simulated(tuple(cuts)).buffers
    assert native.in_outputs == buffers.in_outputs
    assert [dataclasses.astuple(b)[1:] for b in native.buffers] == [
      dataclasses.astuple(b)[1:] for b in buffers.buffers
    ]
    assert (native.live_bytes() == buffers.live_bytes()).all()


@pytest.mark.parametrize('is_read_again', [False, True])
def test_outputs_are_those_of_the_model(is_read_again):
  check_conversion(heads(is_read_again), ConvertOptions(force_stage=True), 3)


def encoder():
  """Attention and a perceptron, each added to what it reads, in the memory of one map."""
  b = ModelBuilder(6)
  x = b.input((1, 32, 32))
  for _ in range(2):
    key, value = (b.fully_connected(x, 32, flatten=False, keep_num_dims=True) for _ in range(2))
    scores = b.softmax(b.batch_matmul(x, key, adj_y=True))
    x = b.add(x, b.batch_matmul(scores, value))
    wide = b.fully_connected(x, 64, flatten=False, keep_num_dims=True)
    x = b.add(x, b.fully_connected(b.relu(wide), 32, flatten=False, keep_num_dims=True))
  b.output(x)
  return b.build()


def test_a_map_stays_in_the_workspace_where_that_takes_less(monkeypatch):
  data = encoder()
  least = convert_model(data).converted_arena.total
  variants = memory_buffers.variants

  def first_alone(*args):
    return variants(*args)[:1]

  monkeypatch.setattr(memory_buffers, 'variants', first_alone)
  monkeypatch.setattr(
    library.SegmentSearch, 'variants', lambda self, cuts: [self._buffers(cuts, True)]
  )
  assert convert_model(data).converted_arena.total > least
  check_conversion(data, ConvertOptions(), 3)
