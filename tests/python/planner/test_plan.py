# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Plans: nothing is overwritten that is still read; the search finds the least peak."""

import itertools

import pytest
from hypothesis import assume, given, settings
from support.effort import examples
from support.graphs import small_networks
from support.memory_check import check_memory
from support.model_builder import ModelBuilder
from support.real_models import FOLDER, MISSING, available

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.planner.memory import buffers as memory_buffers
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.rewrites.patches import split_into_patches
from tflm_patch.planner.schedule import order
from tflm_patch.planner.schedule.segments import SegmentSearch


@pytest.mark.slow
@settings(max_examples=examples(80))
@given(small_networks())
def test_no_row_is_overwritten_before_it_is_read(network):
  for stage in convert_model(network.data, ConvertOptions(force_stage=True)).stages:
    check_memory(stage.plan)


@pytest.mark.slow
@pytest.mark.skipif(not available(), reason=MISSING)
@pytest.mark.parametrize('name', ['mlperf_vww_96_int8', 'mlperf_resnet8_int8', 'mcunet_vww'])
@pytest.mark.parametrize('rows', [None, 2])
def test_memory_of_real_models(name, rows):
  data = (FOLDER / f'{name}.tflite').read_bytes()
  result = convert_model(data, ConvertOptions(int8_io=True, input_rows=rows))
  for stage in result.stages:
    check_memory(stage.plan)


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(small_networks())
def test_least_peak_is_that_of_all_cuts(network):
  """Every way to cut a small stage, by brute force."""
  options = ConvertOptions(force_stage=True, plan=PlanOptions(schedule='layer'))
  for stage in convert_model(network.data, options).stages:
    assume(len(stage.plan.graph.ops) <= 9)
    check_cuts(stage.plan.graph)


@pytest.mark.parametrize('grid', [(1, 2), (2, 1), (1, 3)])
@pytest.mark.parametrize('kernel', [1, 3])
def test_least_peak_of_patches(grid, kernel):
  """Their streams have several ends."""
  b = ModelBuilder(6)
  x = b.conv(b.conv(b.input((1, 12, 14, 3)), 4, 3, 2), 6, kernel)
  b.output(b.fully_connected(b.mean(x), 3))
  (stage,) = convert_model(b.build(), ConvertOptions(force_stage=True)).stages
  check_cuts(split_into_patches(stage.plan.graph, 2, grid))


def check_cuts(graph):
  n = len(graph.ops)
  search = SegmentSearch(graph, graph.inputs)
  cost = {(a, b): _peak(graph, a, b) for a, b in itertools.combinations(range(n + 1), 2)}
  floor = sum(graph.maps[m].bytes for m in (*graph.inputs, *graph.outputs))
  peaks, dispatches = [], []
  for inner in itertools.chain.from_iterable(
    itertools.combinations(range(1, n), k) for k in range(n)
  ):
    cuts = list(itertools.pairwise((0, *inner, n)))
    peaks.append(max(floor, *(cost[cut] for cut in cuts)))
    dispatches.append(sum(search.cost(*cut).dispatches for cut in cuts))
  least = search.least_peak(floor)
  assert least == min(peaks)
  found = search.fewest_dispatches(least)
  assert found is not None
  assert max(floor, *(cost[cut] for cut in found)) == least
  fewest = min(d for d, p in zip(dispatches, peaks) if p <= least)
  assert sum(search.cost(*cut).dispatches for cut in found) == fewest


def _peak(graph, first, last):
  steps = order.simulate(graph, range(first, last))
  found = memory_buffers.variants(graph, [(first, last)], steps, graph.inputs)
  return min(each.peak_bytes for each in found)
