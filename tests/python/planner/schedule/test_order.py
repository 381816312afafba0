# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The order of rows: every step once, its rows computed before, and none earlier than needed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from support.effort import examples
from support.graphs import small_networks
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.schedule import order


def graphs_of(data: bytes) -> list[StageGraph]:
  stages = convert_model(data, ConvertOptions(force_stage=True)).stages
  return [stage.plan.graph for stage in stages]


def two_convolutions() -> StageGraph:
  b = ModelBuilder(1)
  b.output(b.conv(b.conv(b.input((1, 8, 8, 2)), 2, 3), 2, 3, 2))
  (graph,) = graphs_of(b.build())
  return graph


def check_order(graph: StageGraph, ops: range) -> None:
  steps = order.simulate(graph, ops)
  made = order.producers(graph)
  done = dict.fromkeys(ops, 0)
  for i, t in steps:
    assert t == done[i], 'the rows of an operator come one after the other'
    done[i] += 1
    op = graph.ops[i]
    for m, reads in zip(op.inputs, op.reads):
      maker = made.get(m)
      if maker in ops and reads.last[t] >= 0:
        whole = graph.ops[maker].accumulates
        needed = graph.ops[maker].steps if whole else int(reads.last[t]) + 1
        assert done[maker] >= needed, 'a row is computed before it is read'
  assert done == {i: graph.ops[i].steps for i in ops}


@pytest.mark.slow
@settings(max_examples=examples(25))
@given(small_networks())
def test_every_segment_of_any_network(network):
  for graph in graphs_of(network.data):
    n = len(graph.ops)
    for first in range(n):
      check_order(graph, range(first, n))
      check_order(graph, range(first, first + 1))


def test_a_row_is_computed_when_it_is_needed_and_not_before():
  """By hand: row r of a 3 x 3 convolution with stride 2 reads rows 2r .. 2r + 2 of 8."""
  graph = two_convolutions()
  steps = order.simulate(graph, range(2))
  wanted = []
  for row in range(4):
    last = min(2 * row + 2, 7)
    first = 0 if row == 0 else 2 * row + 1
    wanted += [(0, r) for r in range(first, last + 1)] + [(1, row)]
  assert list(steps) == wanted


@pytest.mark.parametrize('first', [0, 1])
def test_operators_before_the_segment_are_complete(first):
  graph = two_convolutions()
  steps = order.simulate(graph, range(first, 2))
  assert {i for i, _ in steps} == set(range(first, 2))


def test_ends_keep_pace():
  """Of two outputs, neither is computed long before the other: what they share stays short."""
  b = ModelBuilder(1)
  x = b.conv(b.input((1, 16, 8, 2)), 4, 3)
  b.output(b.conv(x, 2, 1), b.conv(x, 2, 3))
  (graph,) = graphs_of(b.build())
  assert order.ends(graph, range(3)) == [1, 2]
  done = {1: 0, 2: 0}
  for i, t in order.simulate(graph, range(3)):
    if i in done:
      done[i] = t + 1
      assert abs(done[1] - done[2]) <= 1


def test_spans_go_from_the_first_writer_to_the_last_reader():
  b = ModelBuilder(1)
  x = b.conv(b.input((1, 8, 8, 2)), 2, 1)
  y = b.conv(x, 2, 3)
  b.output(b.add(x, y))
  (graph,) = graphs_of(b.build())
  made = {i: m for m, i in order.producers(graph).items()}
  spans = order.spans(graph)
  assert spans[graph.inputs[0]] == (-1, 0)
  assert spans[made[0]] == (0, 2) and spans[made[1]] == (1, 2) and spans[made[2]] == (2, 2)
