# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Multiply-accumulates that may be spent are spent: memory falls, within the budget."""

from __future__ import annotations

import pytest
from support import real_models
from support.block_models import block_model
from support.compare import check_conversion
from support.memory_check import check_memory

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.memory.sharing import sharers
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.plan import Planner
from tflm_patch.planner.rewrites.bottleneck import find_bottlenecks, join_bottlenecks
from tflm_patch.planner.rewrites.combined import Rewrites
from tflm_patch.planner.spending import Spending
from tflm_patch.program.records import Kind

STRIDES = (1, 2, 1, 2)


def graph_of(data) -> StageGraph:
  (stage,) = convert_model(data, ConvertOptions(force_stage=True, input_rows=1)).stages
  return stage.plan.graph


def spend(graph, overhead, evaluations=4000):
  budget = overhead * sum(op.macs for op in graph.ops)
  asked = []

  def measure(rewrites):
    planner = Planner(rewrites.apply(graph), [0])
    asked.append(rewrites)
    return planner.least_peak(), planner.macs

  found = Spending(graph, Rewrites(), budget, measure, evaluations).search()
  return measure(found), budget, len(asked)


def test_more_work_never_needs_more_memory_and_the_budget_is_kept():
  graph = graph_of(block_model(STRIDES, size=(64, 64)))
  peaks = []
  for overhead in (1.0, 1.05, 1.2, 2.0):
    (peak, macs), budget, _ = spend(graph, overhead)
    assert macs <= budget
    peaks.append(peak)
  assert peaks == sorted(peaks, reverse=True)
  assert peaks[-1] < 0.9 * peaks[0]


def test_work_that_saves_nothing_is_not_spent():
  graph = graph_of(block_model(STRIDES, size=(64, 64)))
  (peak, macs), _, _ = spend(graph, 9.0)
  (again, fewer), _, _ = spend(graph, macs / sum(op.macs for op in graph.ops))
  assert fewer <= macs and again <= 1.01 * peak


def test_the_number_of_tries_is_bounded():
  graph = graph_of(block_model(STRIDES, size=(64, 64)))
  assert spend(graph, 1.2, 60)[2] < 60 + 40 * len(graph.ops)


def test_converted_models_are_exact_and_within_the_budget():
  data = block_model(STRIDES, size=(48, 48))
  few = convert_model(data, ConvertOptions(input_rows=1, plan=PlanOptions(allow_slower=True)))
  options = ConvertOptions(input_rows=1, plan=PlanOptions(max_overhead=1.6))
  result = check_conversion(data, options, 3)
  assert result.converted_macs <= 1.6 * result.original_macs
  assert result.converted_arena.total < few.converted_arena.total
  check_memory(result.stages[0].plan)


def test_blocks_that_keep_nothing_share_their_memory():
  graph = graph_of(block_model((1, 1, 1), size=(48, 48)))
  blocks = find_bottlenecks(graph, nothing_held=True)
  assert len(blocks) > 1
  joined = join_bottlenecks(graph, dict.fromkeys(blocks, 0.0))
  every = [i for i, op in enumerate(joined.ops) if op.kind == Kind.BOTTLENECK]
  n = len(joined.ops)
  ((owner, users),) = sharers(joined, [(0, n)]).items()
  assert list(users) == every
  assert joined.ops[owner].scratch_bytes == max(joined.ops[i].scratch_bytes for i in every)
  plan = Planner(joined, [0]).fixed('stream')
  places = {(plan.scratch[i].region, plan.scratch[i].offset) for i in every}
  assert len(places) == 1
  check_memory(plan)
  kept = join_bottlenecks(graph, dict.fromkeys(blocks, 1.0))
  assert sharers(kept, [(0, len(kept.ops))]) == {}


def test_narrow_blocks_are_made_column_by_column():
  graph = graph_of(block_model((1,), size=(24, 200)))
  blocks = find_bottlenecks(graph, nothing_held=True)
  names = {block.name for block in blocks}
  held = dict.fromkeys(blocks, 0.0)
  wide, narrow = join_bottlenecks(graph, held), join_bottlenecks(graph, held, names)
  assert sum(op.macs for op in wide.ops) == sum(op.macs for op in narrow.ops)
  assert sum(op.scratch_bytes for op in narrow.ops) < sum(op.scratch_bytes for op in wide.ops)


@pytest.mark.slow
@pytest.mark.skipif(not real_models.available(), reason=real_models.MISSING)
@pytest.mark.parametrize(
  ('name', 'overhead', 'limit'),
  [('mbv2_0.35_144_int8', 1.7, 11_400), ('mbv2_1.0_224_int8', 1.1, 60_000)],
)
def test_rows_of_mobilenet_v2(name, overhead, limit):
  data = (real_models.FOLDER / f'{name}.tflite').read_bytes()
  plan = PlanOptions(max_overhead=overhead)
  result = convert_model(data, ConvertOptions(input_rows=1, plan=plan))
  assert result.converted_arena.total <= limit
  assert result.converted_macs <= overhead * result.original_macs
  for stage in result.stages:
    check_memory(stage.plan)
