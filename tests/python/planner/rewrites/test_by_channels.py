# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Convolutions whose maps are only summed up, some channels at a time: exact, and smaller."""

from __future__ import annotations

import pytest
from support.compare import check_conversion
from support.memory_check import check_memory
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.planner import search
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.plan import Planner
from tflm_patch.planner.rewrites.by_channels import find_splits, split_channels
from tflm_patch.program.records import Kind


def network(channels=50, read_twice=False):
  b = ModelBuilder(4)
  x = b.conv(b.input((1, 12, 10, 3)), 6, 3, 2)
  wide = b.conv(x, channels, 1, activation='RELU6')
  vector = b.fully_connected(b.mean(wide), 4)
  b.output(*([vector, b.max_pool(wide, 2, 2)] if read_twice else [vector]))
  return b.build()


def stage_graph(data):
  (stage,) = convert_model(data, ConvertOptions(force_stage=True)).stages
  return stage.plan.graph


@pytest.mark.parametrize('parts', [2, 3, 8, 50])
@pytest.mark.parametrize('rows', [None, 2])
def test_split_models_are_exact(monkeypatch, parts, rows):
  def chosen(self):
    (split,) = find_splits(self._graph)
    return search.Rewrites(splits=((split.name, parts),))

  monkeypatch.setattr(search.StageSearch, '_chosen', chosen)
  monkeypatch.setattr(search, '_WORTH', 1.0)  # keep it
  options = ConvertOptions(
    force_stage=True, input_rows=rows, plan=PlanOptions(max_overhead=2.0, allow_slower=True)
  )
  (stage,) = check_conversion(network(), options, 3).stages
  means = [op for op in stage.plan.graph.ops if op.kind == Kind.MEAN]
  assert len(means) == -(-50 // (-(-50 // (4 * parts)) * 4)) > 1
  check_memory(stage.plan)


def test_a_split_map_takes_less_memory_and_no_more_work():
  graph = stage_graph(network(256))
  (split,) = find_splits(graph)
  halves = split_channels(graph, {split.name: 2})
  assert sum(op.macs for op in halves.ops) == sum(op.macs for op in graph.ops)
  assert sum(op.scratch_bytes for op in halves.ops) == sum(op.scratch_bytes for op in graph.ops)
  eighths = split_channels(graph, {split.name: 8})
  peaks = [Planner(each, [0]).least_peak() for each in (graph, halves, eighths)]
  assert peaks[0] > peaks[1] > peaks[2]


def test_what_others_read_is_not_split():
  assert find_splits(stage_graph(network())) != []
  assert find_splits(stage_graph(network(read_twice=True))) == []
  assert find_splits(stage_graph(network(6))) == []  # too few channels


def test_names_that_are_not_there_change_nothing():
  graph = stage_graph(network())
  same = split_channels(graph, {'CONV_2D 99': 4})
  assert [op.name for op in same.ops] == [op.name for op in graph.ops]
