# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Patches and strips: exact halos and borders, in the real TFLM interpreter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import real_models
from support.compare import check_conversion
from support.effort import examples
from support.graphs import dense_networks, small_networks
from support.int16_graphs import int16_networks
from support.memory_check import check_memory
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType
from tflm_patch.planner import search
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.rewrites import patches

INPUTS = 5


def patch_options(grid, depth=None, **options):
  plan = PlanOptions(schedule='patch', grid=grid, patch_depth=depth)
  return ConvertOptions(force_stage=True, plan=plan, **options)


def check(data, options):
  """False when the network has no operator that runs in patches, or too small a map."""
  try:
    result = check_conversion(data, options, INPUTS)
  except TflmPatchError as error:
    assert '--schedule patch' in str(error)
    return False
  for stage in result.stages:
    check_memory(stage.plan)
  return True


grids = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=examples(80))
@given(st.one_of(small_networks(), int16_networks()), grids)
def test_generated_networks(network, grid):
  check(network.data, patch_options(grid))


@settings(max_examples=examples(20))
@given(dense_networks(), grids)
def test_dense_networks(network, grid):
  check(network.data, patch_options(grid))


def network(kernel=3, stride=2, dilation=1, padding='SAME', pool='average'):
  """Convolutions, a residual block and a pool, then a classifier."""
  b = ModelBuilder(7)
  x = b.conv(b.input((1, 23, 19, 3)), 6, kernel, stride, padding=padding)
  y = b.conv(b.depthwise(b.conv(x, 12, 1), kernel, dilation=dilation), 6, 1)
  x = b.add(x, y)
  x = getattr(b, f'{pool}_pool')(x, 2, 2, padding=padding)
  x = b.conv(x, 8, 1)
  b.output(b.fully_connected(b.mean(x), 3))
  return b.build()


@pytest.mark.parametrize('grid', [(1, 1), (1, 3), (3, 1), (2, 2), (2, 3), (3, 3)])
@pytest.mark.parametrize(
  'case',
  [
    {},
    {'padding': 'VALID'},
    {'kernel': 5},
    {'kernel': 7, 'stride': 1, 'pool': 'max'},
    {'dilation': 2},
    {'kernel': 1, 'stride': 1},
  ],
  ids=str,
)
def test_grids(grid, case):
  assert check(network(**case), patch_options(grid))


@pytest.mark.parametrize('depth', [1, 5, 6])
def test_depths(depth):
  options = patch_options((2, 2), depth)
  result = convert_model(network(), options)
  stage = result.stages[0].plan.graph
  assert sum(op.name.startswith('CONV_2D 0 patch') for op in stage.ops) == 4
  assert check(network(), options)


def operators(data, rows):
  options = ConvertOptions(force_stage=True, input_rows=rows, plan=PlanOptions(schedule='layer'))
  (stage,) = convert_model(data, options).stages
  return stage.plan.graph


@pytest.mark.parametrize('grid', [(1, 2), (2, 1), (3, 2)])
@pytest.mark.parametrize('first', [1, 2, 4])
@pytest.mark.parametrize('rows', [None, 1])
def test_patches_inside_a_stage(monkeypatch, first, grid, rows):
  """All ranges of operators that begin at one inside the stage."""
  data = network()
  depths = patches.depths(operators(data, rows), first)
  assert depths
  monkeypatch.setattr(search, '_WORTH', 1.0)  # no other rewrites
  for depth in depths:
    chosen = search.Rewrites(patched=(first, depth, grid))
    monkeypatch.setattr(search.StageSearch, '_chosen', lambda self, chosen=chosen: chosen)
    options = ConvertOptions(force_stage=True, input_rows=rows, plan=PlanOptions(max_overhead=9.0))
    (stage,) = check_conversion(data, options, 3).stages
    assert any(op.name.startswith('JOIN') for op in stage.plan.graph.ops)
    check_memory(stage.plan)


def test_patches_end_before_a_map_that_they_would_broadcast():
  """Patches that begin behind the mean make the gate, but no patch makes all of it."""
  b = ModelBuilder(0)
  x = b.conv(b.input((1, 6, 4, 2)), 3, 3)
  gate = b.relu6(b.conv(b.mean(x, keep_dims=True), 3, 1))
  b.output(b.conv(b.mul(x, gate), 3, 3))
  data = b.build()
  graph = operators(data, None)
  names = [op.name.split()[0] for op in graph.ops]
  assert names.index('MUL') + 1 not in patches.depths(graph, names.index('MEAN') + 1)
  plan = PlanOptions(max_overhead=10.0)
  check_conversion(data, ConvertOptions(force_stage=True, plan=plan), INPUTS)


def test_rows_that_nobody_reads_are_made_over_nothing():
  """Patches make all rows of a map, though the slice reads the last ones only."""
  b = ModelBuilder(0, False)
  x = b.quantize(b.input((1, 5, 6, 6), DType.UINT8))
  b.output(b.dequantize(b.strided_slice(x, [0, 3, 0, 0], [1, 5, 1, 1], [1, 1, 1, 1])))
  assert check(b.build(), patch_options((2, 2)))


def test_a_grid_of_one_patch_computes_nothing_twice():
  result = convert_model(network(), patch_options((1, 1)))
  assert result.converted_macs == result.original_macs
  more = convert_model(network(), patch_options((3, 3)))
  assert more.converted_macs > more.original_macs


@pytest.mark.parametrize(
  'grid, depth, text',
  [((99, 1), None, 'larger than the map'), ((2, 2), 4, 'a patch depth of 4 is not possible')],
)
def test_refusals(grid, depth, text):
  with pytest.raises(TflmPatchError, match=text) as error:
    convert_model(network(), patch_options(grid, depth))
  assert '\n' not in str(error.value)


@pytest.mark.skipif(not real_models.available(), reason=real_models.MISSING)
@pytest.mark.parametrize('grid', [(2, 2), (1, 3)])
def test_real_model(grid):
  data = (real_models.FOLDER / 'mlperf_vww_96_int8.tflite').read_bytes()
  assert check(data, patch_options(grid, 9))
