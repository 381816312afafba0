# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The memory that segments buffer: rings where a map stays in its segment, whole maps elsewhere."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from support.effort import examples
from support.graphs import small_networks
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.memory import buffers as memory_buffers
from tflm_patch.planner.schedule import order


def graphs_of(data: bytes) -> list[StageGraph]:
  stages = convert_model(data, ConvertOptions(force_stage=True)).stages
  return [stage.plan.graph for stage in stages]


def buffers_of(graph: StageGraph, cuts, reusable=()):
  steps = [step for cut in cuts for step in order.simulate(graph, range(*cut))]
  return memory_buffers.variants(graph, cuts, steps, reusable)[0]


def chain() -> StageGraph:
  """Three convolutions; the first and the second map have 16 rows of 16 x 8 and 16 x 4 bytes."""
  b = ModelBuilder(1)
  x = b.conv(b.input((1, 16, 16, 2)), 8, 3)
  b.output(b.conv(b.conv(x, 4, 3), 2, 3))
  (graph,) = graphs_of(b.build())
  return graph


def by_map(buffers):
  return {buffer.map: buffer for buffer in buffers.buffers if buffer.map is not None}


def test_a_map_within_a_segment_is_a_ring_of_the_rows_that_its_window_needs():
  graph = chain()
  made = {i: m for m, i in order.producers(graph).items()}
  found = by_map(buffers_of(graph, [(0, 3)]))
  for op, row_bytes in ((0, 128), (1, 64)):
    buffer = found[made[op]]
    assert buffer.is_ring
    assert buffer.item.slot_bytes == row_bytes == graph.maps[made[op]].row_bytes
    assert len(buffer.ring.shapes[0].made) == 3  # the kernel's height
  assert made[2] not in found  # an output: the tensor's own memory


def test_a_map_that_the_next_segment_reads_is_whole():
  graph = chain()
  made = {i: m for m, i in order.producers(graph).items()}
  buffer = by_map(buffers_of(graph, [(0, 1), (1, 3)]))[made[0]]
  assert not buffer.is_ring and len(buffer.item.rows.made) == 16


def test_inputs_are_used_only_where_that_is_allowed():
  graph = chain()
  assert set(buffers_of(graph, [(0, 3)]).tensors) == set(graph.outputs)
  both = buffers_of(graph, [(0, 3)], graph.inputs)
  assert set(both.tensors) == {*graph.inputs, *graph.outputs}


def test_live_bytes_of_a_stream_by_hand():
  """At the peak both rings are full, beside the rows of the output that are there already."""
  graph = chain()
  buffers = buffers_of(graph, [(0, 3)])
  inner = buffers.ring_bytes()
  assert inner == 3 * 128 + 3 * 64
  live = buffers.live_bytes()
  # Row 15 of the first map, the last one, is still there when row 13 of the output is computed.
  assert live.shape == (48,) and int(live.max()) == inner + 14 * 32


@pytest.mark.slow
@settings(max_examples=examples(20))
@given(small_networks())
def test_rows_live_from_when_they_are_made_until_they_are_read(network):
  """Checked against the steps themselves, for operator by operator and for one stream."""
  for graph in graphs_of(network.data):
    n = len(graph.ops)
    for cuts in ([(0, n)], list(itertools.pairwise(range(n + 1)))):
      steps = [step for cut in cuts for step in order.simulate(graph, range(*cut))]
      buffers = memory_buffers.variants(graph, cuts, steps)[0]
      assert buffers.length == len(steps)
      made = order.producers(graph)
      for buffer in buffers.buffers:
        if buffer.map is None or buffer.guests or graph.maps[buffer.map].view is not None:
          continue
        maker = made[buffer.map]
        times = [t for t, (i, _) in enumerate(steps) if i == maker]
        lives = buffer.item.rows
        assert lives.first_time <= times[0 if not graph.ops[maker].accumulates else -1]
        assert np.all(lives.last >= lives.made) and lives.last_time <= buffers.length
