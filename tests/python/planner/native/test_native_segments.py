# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Native costs and cuts of segments are those of the reference in Python."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.block_models import block_model
from support.effort import examples
from support.graphs import dense_networks, small_networks
from support.int16_graphs import int16_networks
from support.model_builder import ModelBuilder

from tflm_patch import convert_model
from tflm_patch.graph.reader import parse_model
from tflm_patch.planner.ir.stage_graph import MapRole
from tflm_patch.planner.lowering.builder import NotStageable
from tflm_patch.planner.lowering.partition import partition
from tflm_patch.planner.lowering.region import lower_region
from tflm_patch.planner.native import library
from tflm_patch.planner.native.stage_tables import stage_arrays
from tflm_patch.planner.plan import Planner
from tflm_patch.planner.rewrites import patches
from tflm_patch.planner.rewrites.bottleneck import find_bottlenecks, join_bottlenecks
from tflm_patch.planner.rewrites.by_channels import find_splits, split_channels
from tflm_patch.planner.rewrites.feed import feed_by_bands
from tflm_patch.planner.rewrites.two_pass import find_gates, make_again
from tflm_patch.planner.schedule import segments
from tflm_patch.planner.schedule.segments import PythonSearch, SegmentSearch


@pytest.fixture(autouse=True)
def needs_library():
  if library.load() is None:
    pytest.skip("needs the planner's library")


def stage_graphs(data):
  """The stages of a model, as they are and rewritten in every way."""
  model = parse_model(data, '')
  for region in partition(model, model.main).regions:
    try:
      graph = lower_region(model, model.main, region)
    except NotStageable:
      continue
    if any(m.role is MapRole.KEPT for m in graph.maps):
      continue  # planned in Python
    yield graph
    blocks = find_bottlenecks(graph)
    if blocks:
      yield join_bottlenecks(graph, dict.fromkeys(blocks, 1.0))
      yield join_bottlenecks(graph, dict.fromkeys(blocks, 0.0))
    splits = find_splits(graph)
    if splits:
      yield split_channels(graph, {split.name: 3 for split in splits})
    gates = find_gates(graph)
    if gates:
      yield make_again(graph, tuple(gates))
    for m in graph.inputs:
      if graph.maps[m].rows > 1:
        yield feed_by_bands(graph, graph.inputs.index(m), 1)
        break
    for first in range(0, len(graph.ops), 2):
      for depth in patches.depths(graph, first)[-2:]:
        for grid in ((1, 2), (2, 2)):
          try:
            yield patches.split_into_patches(graph, depth, grid, first)
          except NotStageable:
            continue


def native_search(graph, reusable):
  arrays = stage_arrays(graph, reusable)
  assert arrays is not None
  return library.SegmentSearch(arrays)


def check(graph, reusable):
  """Every cost, then the searches from nothing known."""
  expected, found = PythonSearch(graph, reusable), native_search(graph, reusable)
  n = len(graph.ops)
  for first, last in itertools.combinations(range(n + 1), 2):
    if last - first <= 6 or (first, last) == (0, n):
      cost = expected.cost(first, last)
      assert found.cost(first, last) == (
        cost.peak_bytes,
        cost.ring_bytes,
        cost.inner_bytes,
        cost.dispatches,
      ), (first, last)
  expected, found = PythonSearch(graph, reusable), native_search(graph, reusable)
  floor = sum(graph.maps[m].bytes for m in (*reusable, *graph.outputs))
  some = (floor + sum(each.bytes for each in graph.maps) / 3) / 2
  assert found.least_peak(floor, some) == expected.least_peak(floor, some)
  least = expected.least_peak(floor)
  assert found.least_peak(floor, math.inf) == least
  without = []
  for limit in (least - 1, least, least, least + 64, 2 * least):
    cuts = expected.fewest_dispatches(limit, without)
    assert found.fewest_dispatches(limit, without) == cuts
    without += cuts[:1] if cuts else []


def check_needs(graph, reusable):
  """What whole plans buffer: few cuts, many, none."""
  n = len(graph.ops)
  expected, found = SegmentSearch(graph, reusable), SegmentSearch(graph, reusable)
  expected._native = None
  peak = found.least_peak(0)
  for cuts in (
    ((0, n),),
    tuple((i, i + 1) for i in range(n)),
    found.fewest_dispatches(peak),
    found.fewest_dispatches(2 * peak),
  ):
    assert described(*found.run(cuts)) == described(*expected.run(cuts))
    assert found._native is not None


def described(operators, variants):
  """Everything about needs, as values that can be compared."""

  def item(each):
    shapes = [(life.made.tolist(), life.last.tolist()) for life in each.shapes]
    return each.slot_bytes, each.alignment, each.one_piece, shapes

  def needs(buffers):
    return (
      buffers.length,
      [(buffer.map, buffer.op, buffer.guests, item(buffer.item)) for buffer in buffers.buffers],
      [(m, item(each)) for m, each in buffers.tensors.items()],
      buffers.in_outputs,
    )

  return list(operators), [needs(buffers) for buffers in variants]


def reusable_of(graph, reuse):
  fed = {m for op in graph.ops if op.name == 'FEED' for m in op.inputs}
  return [m for m in graph.inputs if m not in fed] if reuse else []


@pytest.mark.slow
@settings(max_examples=examples(12))
@given(small_networks(), st.booleans())
def test_costs_and_cuts_are_the_same(network, reuse):
  for graph in stage_graphs(network.data):
    check(graph, reusable_of(graph, reuse))
    check_needs(graph, reusable_of(graph, reuse))


@settings(max_examples=examples(15))
@given(dense_networks(), st.booleans())
def test_dense_networks(network, reuse):
  for graph in stage_graphs(network.data):
    check(graph, reusable_of(graph, reuse))


@pytest.mark.slow
@settings(max_examples=examples(10))
@given(int16_networks(), st.booleans())
def test_int16_networks(network, reuse):
  for graph in stage_graphs(network.data):
    check(graph, reusable_of(graph, reuse))


@pytest.mark.slow
@pytest.mark.parametrize('kernel', [3])
def test_blocks_and_patches(kernel):
  rewritten = 0
  for graph in stage_graphs(block_model(kernel=kernel, size=(7, 9))):
    check(graph, graph.inputs)
    check_needs(graph, graph.inputs)
    rewritten += 1
  assert rewritten > 4


def test_more_operators_than_a_segment_holds(monkeypatch):
  most, ops = 2, 21  # what is worth streaming has three operators
  monkeypatch.setattr(segments, 'MAX_OPS', most)
  b = ModelBuilder(3)
  x = b.input((1, 60, 5, 2))
  for i in range(ops):
    x = b.relu(x) if i % 3 == 1 else b.conv(x, 2 if i % 3 else 12, 3)
  b.output(x)
  graph = next(stage_graphs(b.build()))
  expected = PythonSearch(graph)
  found = library.SegmentSearch(stage_arrays(graph, []), most)
  least = expected.least_peak(0)
  assert found.least_peak(0, math.inf) == least
  cuts = expected.fewest_dispatches(least)
  assert found.fewest_dispatches(least, ()) == cuts
  assert max(last - first for first, last in cuts) <= most
  assert native_search(graph, []).least_peak(0, math.inf) < least


def test_conversion_is_the_same_without_the_library(monkeypatch):
  data = block_model()
  expected = convert_model(data).data
  monkeypatch.setattr(library, 'load', lambda: None)
  assert convert_model(data).data == expected


@pytest.mark.parametrize('seed', range(3))
def test_fits_says_what_the_smallest_plan_says(seed):
  b = ModelBuilder(seed)
  x = b.input((1, 17, 13, 3))
  for kernel in (3, 1, 5, 1, 3):
    x = b.conv(x, 5 + seed, kernel)
  b.output(b.mean(x, keep_dims=False))
  graph = next(stage_graphs(b.build()))
  smallest = Planner(graph, [0]).smallest_workspace()
  assert smallest == Planner(graph, [0]).smallest().workspace_bytes
  for limit, verdict in ((smallest - 1, False), (smallest, True), (10 * smallest, True)):
    planner = Planner(graph, [0])
    assert planner.fits(limit) == verdict
    planner.smallest()
    assert planner.fits(limit) == verdict
  assert not Planner(graph, [0]).fits(0)
