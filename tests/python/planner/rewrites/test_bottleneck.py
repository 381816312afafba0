# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Blocks of three convolutions as one operator: exact, within memory, counted right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import real_models
from support.block_models import block_model, force_blocks
from support.compare import check_conversion
from support.effort import examples
from support.memory_check import check_memory
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.plan import Planner
from tflm_patch.planner.rewrites.bottleneck import find_bottlenecks, join_bottlenecks
from tflm_patch.program.records import Kind

# The first allows bottlenecks, but no multiply-accumulates.
SLOWER, ANY_OVERHEAD = PlanOptions(allow_slower=True), PlanOptions(max_overhead=9.0)


def joined(plan):
  return [op for op in plan.graph.ops if op.kind == Kind.BOTTLENECK]


@pytest.mark.parametrize('part', [1.0, 0.5, 0.0])
@pytest.mark.parametrize(
  'case',
  [
    {},
    {'kernel': 5, 'size': (60, 70)},
    {'kernel': (3, 1)},
    {'strides': (1, 1), 'dilation': 2, 'size': (60, 70)},
    {'padding': 'VALID'},
    {'strides': (3, 2), 'size': (40, 31)},
    {'kernel': 2, 'strides': (2, 2)},
    {'channels': 1},
  ],
  ids=str,
)
@pytest.mark.parametrize('rows', [None, 1])
def test_cases(monkeypatch, case, part, rows):
  data = block_model(**case)
  force_blocks(monkeypatch, part)
  options = ConvertOptions(force_stage=True, input_rows=rows, plan=ANY_OVERHEAD)
  result = check_conversion(data, options, 4)
  (stage,) = result.stages
  assert joined(stage.plan)
  check_memory(stage.plan)


@pytest.mark.slow
@settings(max_examples=examples(25))
@given(
  st.lists(st.sampled_from([1, 1, 2]), min_size=1, max_size=3),
  st.integers(1, 5),
  st.integers(1, 6),
  st.integers(9, 30),
  st.integers(9, 30),
  st.sampled_from([1.0, 0.4, 0.0]),
)
def test_generated_blocks(strides, kernel, channels, height, width, part):
  data = block_model(tuple(strides), kernel, channels=channels, size=(height, width))
  with pytest.MonkeyPatch.context() as monkeypatch:
    force_blocks(monkeypatch, part)
    options = ConvertOptions(force_stage=True, plan=ANY_OVERHEAD)
    result = check_conversion(data, options, 2)
  for stage in result.stages:
    check_memory(stage.plan)


def stage_graph(data):
  (stage,) = convert_model(
    data, ConvertOptions(plan=PlanOptions(schedule='layer'), force_stage=True)
  ).stages
  return stage.plan.graph


def test_nothing_is_computed_twice_where_all_is_held():
  graph = stage_graph(block_model((2, 1, 1), size=(64, 64)))
  found = find_bottlenecks(graph)
  assert len(found) == 3
  macs = sum(op.macs for op in graph.ops)
  (bottleneck,) = (
    bottleneck for bottleneck in found if graph.ops[bottleneck.depthwise].window[0].stride == 2
  )
  whole = join_bottlenecks(graph, dict.fromkeys(found, 1.0))
  assert sum(op.macs for op in whole.ops) == macs
  # With a stride of 2, one row of three is made again.
  expand = graph.ops[bottleneck.expand]
  again = join_bottlenecks(graph, {bottleneck: 0.0})
  rows = graph.maps[expand.outputs[0]].rows
  steps = graph.ops[bottleneck.project].steps
  assert sum(op.macs for op in again.ops) - macs == pytest.approx(
    expand.macs * (steps - 1) / rows, rel=0.05
  )


def test_less_held_is_less_memory():
  graph = stage_graph(block_model((1, 1), size=(48, 48)))
  bottleneck = find_bottlenecks(graph)[0]
  scratch = [
    max(op.scratch_bytes for op in joined_graph.ops)
    for joined_graph in (join_bottlenecks(graph, {bottleneck: part}) for part in (1.0, 0.5, 0.0))
  ]
  assert scratch[0] > scratch[1] > scratch[2] > 0


def test_an_output_lies_over_the_oldest_row_that_it_is_made_from():
  graph = stage_graph(block_model((1, 1, 1), size=(48, 48)))
  found = find_bottlenecks(graph)
  rings = []
  for part in (1.0, 0.0):
    joined_graph = join_bottlenecks(graph, dict.fromkeys(found, part))
    blocks = [op for op in joined_graph.ops if op.kind == Kind.BOTTLENECK]
    plan = Planner(joined_graph).fixed('stream')
    check_memory(plan)
    rings.append({plan.maps[op.inputs[0]].ring_rows for op in blocks})
    # Rows that are made from rows held inside are read once.
    assert all(len(op.in_place) == (part == 0.0) for op in blocks)
  # Three rows of the first map, and two more for each that lies over the one before.
  assert max(rings[1]) == 3 + 2 * 2


def test_wider_cells_lie_nowhere_over_narrower_ones():
  b = ModelBuilder(4)
  x = b.conv(b.input((1, 30, 30, 3)), 4, 3)
  x = b.conv(b.depthwise(b.conv(x, 24, 1)), 8, 1)
  b.output(b.fully_connected(b.mean(x), 3))
  graph = stage_graph(b.build())
  (found,) = find_bottlenecks(graph)
  (block,) = (op for op in join_bottlenecks(graph, {found: 0.0}).ops if op.kind == Kind.BOTTLENECK)
  assert block.in_place == ()


def test_blocks_share_no_operator():
  b = ModelBuilder(3)
  x = b.conv(b.input((1, 32, 32, 3)), 16, 3)
  for _ in range(3):
    x = b.conv(b.depthwise(x), 16, 1)
  b.output(b.fully_connected(b.mean(x), 3))
  found = find_bottlenecks(stage_graph(b.build()))
  members = [
    i for bottleneck in found for i in (bottleneck.expand, bottleneck.depthwise, bottleneck.project)
  ]
  assert found and len(set(members)) == len(members)


def test_what_others_read_stays_a_map():
  b = ModelBuilder(3)
  x = b.conv(b.input((1, 24, 24, 3)), 4, 3)
  wide = b.conv(x, 24, 1)
  narrow = b.conv(b.depthwise(wide), 4, 1)
  b.output(narrow, b.mean(wide))
  graph = stage_graph(b.build())
  assert all(
    graph.ops[bottleneck.expand].outputs[0] != graph.ops[1].outputs[0]
    for bottleneck in find_bottlenecks(graph)
  )


def test_the_search_joins_blocks_where_they_bound_the_memory():
  data = block_model((2, 1), size=(64, 64))
  plain = convert_model(data, ConvertOptions(input_rows=1))
  result = convert_model(data, ConvertOptions(input_rows=1, plan=SLOWER))
  assert not joined(plain.stages[0].plan) and joined(result.stages[0].plan)
  assert result.converted_macs == plain.converted_macs
  assert result.converted_arena.head < 0.9 * plain.converted_arena.head
  # A budget that nothing else fits.
  budget = PlanOptions(arena_bytes=plain.converted_arena.total - 16)
  fitting = convert_model(data, ConvertOptions(input_rows=1, plan=budget))
  assert joined(fitting.stages[0].plan)
  assert fitting.converted_arena.total < plain.converted_arena.total


@pytest.mark.slow
@pytest.mark.skipif(not real_models.available(), reason=real_models.MISSING)
@pytest.mark.parametrize(
  ('slower', 'overhead', 'limit'),
  [(False, 1.0, 120_000), (True, 1.0, 90_000), (False, 1.03, 80_000)],
)
def test_rows_of_mobilenet_v2(slower, overhead, limit):
  data = (real_models.FOLDER / 'mbv2_1.0_224_int8.tflite').read_bytes()
  plan = PlanOptions(allow_slower=slower, max_overhead=overhead)
  options = ConvertOptions(input_rows=1, plan=plan)
  result = convert_model(data, options)
  assert result.converted_arena.head <= limit
  assert result.converted_macs <= overhead * result.original_macs
  for stage in result.stages:
    check_memory(stage.plan)
