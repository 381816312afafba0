# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Single rows that never meet share one; those that may meet, or begin sooner, do not."""

from __future__ import annotations

import numpy as np
from support.compare import check_conversion
from support.memory_check import check_memory
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.planner.ir.stage_graph import InPlace
from tflm_patch.planner.memory import buffers as memory_buffers
from tflm_patch.planner.memory.buffers import Buffer
from tflm_patch.planner.memory.layout import Item
from tflm_patch.planner.memory.single_rows import share_single_rows
from tflm_patch.planner.plan import Planner
from tflm_patch.planner.schedule import order
from tflm_patch.planner.schedule.live_ranges import LiveRanges


def residual_blocks(count=3):
  """Blocks of two convolutions: of the second's map, only the row that is added is there."""
  b = ModelBuilder(5)
  x = b.conv(b.input((1, 24, 20, 3)), 8, 3)
  for _ in range(count):
    x = b.add(x, b.conv(b.conv(x, 8, 3), 8, 3))
  b.output(b.fully_connected(b.mean(x), 3))
  return b.build()


def stage_graph(data):
  (stage,) = convert_model(data, ConvertOptions(force_stage=True)).stages
  return stage.plan.graph


def buffer_of(m: int, row_bytes: int, made, last) -> Buffer:
  """A map of rows that live from `made` to `last`, of which a ring of one is enough."""
  rows = LiveRanges(np.array(made), np.array(last))
  ring = LiveRanges(rows.made[:1], rows.last[-1:])
  return Buffer(Item(row_bytes, (ring, rows)), m)


def test_rows_that_never_meet_lie_at_one_place():
  graph = stage_graph(residual_blocks())
  plan = Planner(graph).fixed('stream')
  check_memory(plan)
  added = [op.inputs[1] for op in graph.ops if op.kind.name == 'ADD']
  places = {(plan.maps[m].region, plan.maps[m].offset, plan.maps[m].ring_rows) for m in added}
  assert len(added) == 3 and len(places) == 1


def test_less_is_alive_by_a_row_a_block():
  peaks = []
  for count in (1, 2, 3):
    graph = stage_graph(residual_blocks(count))
    n = len(graph.ops)
    buffers = memory_buffers.variants(graph, [(0, n)], order.simulate(graph, range(n)))[0]
    peaks.append(int(buffers.live_bytes().max()))
  # Each block more: two rows of the map that it adds to, three of the one between; no fourth.
  row = 20 * 8
  assert peaks[1] - peaks[0] == peaks[2] - peaks[1] == 5 * row


def test_outputs_are_those_of_the_model():
  result = check_conversion(residual_blocks(), ConvertOptions(), 3)
  for stage in result.stages:
    check_memory(stage.plan)


def test_what_meets_stays_apart():
  graph = stage_graph(residual_blocks())
  of_a_kind = [m for m, each in enumerate(graph.maps) if each.row_bytes == 160][:4]
  first, apart, meeting, earlier = of_a_kind
  buffers = [
    buffer_of(first, 160, [2, 12, 22], [4, 14, 24]),
    buffer_of(apart, 160, [5, 15, 25], [8, 18, 28]),
    buffer_of(meeting, 160, [4, 14, 24], [6, 16, 26]),
    buffer_of(earlier, 80, [0, 10, 20], [1, 11, 21]),
  ]
  found = share_single_rows(graph, buffers, lambda m: 0)
  assert [buffer.map for buffer in found] == [first, meeting, earlier]
  assert found[0].guests == ((apart, InPlace(0)),)
  (shape,) = found[0].item.shapes
  assert (shape.first_time, shape.last_time) == (2, 28)
  # Streams run one after the other.
  assert len(share_single_rows(graph, buffers, lambda m: m)) == 4
