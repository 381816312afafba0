# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Budgets: the fastest plan that fits, recomputation only where it is allowed and pays."""

import functools

import pytest
from support import real_models
from support.compare import check_conversion
from support.memory_check import check_memory
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.conversion.stages import Searches
from tflm_patch.errors import TflmPatchError
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.search import work_of
from tflm_patch.sample.sample import sample_model_path


def sample():
  return sample_model_path().read_bytes()


KNOWN = {}


@functools.cache
def convert(data, **plan):
  """Conversions of a model share what they find, as those of `tflm-patch pareto` do."""
  known = KNOWN.setdefault(data, Searches())
  return convert_model(data, ConvertOptions(plan=PlanOptions(**plan)), known=known)


def work(result):
  return [work_of(stage.plan) for stage in result.stages]


def test_more_arena_makes_faster_plans():
  data = sample()
  smallest = convert(data)
  fastest = convert(data, minimize='macs')
  least, most = smallest.converted_arena.total, fastest.converted_arena.total
  assert most > least and work(fastest) < work(smallest)
  before = work(smallest)
  for limit in range(least, most + 1, (most - least) // 4):
    result = convert(data, arena_bytes=limit)
    assert result.converted_arena.total <= limit
    assert work(result) <= before
    before = work(result)
  assert before == work(fastest)
  check_conversion(data, ConvertOptions(plan=PlanOptions(arena_bytes=(least + most) // 2)), 3)


def test_a_budget_that_nothing_fits():
  # A budget allows what costs time, but no multiply-accumulates.
  least = convert(sample(), max_overhead=1.0001).converted_arena.total
  assert convert(sample(), arena_bytes=least).converted_arena.total <= least
  with pytest.raises(TflmPatchError, match=f'the smallest needs {least:,}') as error:
    convert(sample(), arena_bytes=least - 1)
  assert '\n' not in str(error.value) and 'bounded by' in str(error.value)
  assert '--int8-io' not in str(error.value)  # its inputs and outputs are int8


def test_a_budget_for_a_model_without_stages():
  b = ModelBuilder(1)
  b.output(b.tanh(b.input((1, 4, 4, 4))))
  with pytest.raises(TflmPatchError, match='no plan fits'):
    convert(b.build(), arena_bytes=16)


def squeeze_excite(blocks=1):
  b = ModelBuilder(3)
  x = b.conv(b.input((1, 16, 16, 3)), 8, 3)
  for _ in range(blocks):
    wide = b.depthwise(b.conv(x, 64, 1))
    gate = b.conv(b.conv(b.mean(wide), 8, 1), 64, 1, activation='RELU6')
    x = b.conv(b.mul(wide, gate), 8, 1)
  b.output(x)
  return b.build()


def test_two_passes_cost_what_was_allowed_and_save_memory():
  data = squeeze_excite()
  one, two = convert(data), convert(data, max_overhead=2.0)
  assert one.converted_macs == one.original_macs
  assert one.original_macs < two.converted_macs <= 2.0 * one.original_macs
  assert two.converted_arena.head < 0.6 * one.converted_arena.head
  assert convert(data, max_overhead=1.01).converted_macs == one.original_macs
  check_conversion(data, ConvertOptions(plan=PlanOptions(max_overhead=2.0)), 6)
  for stage in two.stages:
    check_memory(stage.plan)


def test_no_recomputation_where_it_does_not_pay():
  b = ModelBuilder(4)
  x = b.input((1, 32, 32, 3))
  for channels in (8, 12, 12):
    x = b.conv(x, channels, 3, 2)
  b.output(b.fully_connected(b.mean(x), 3))
  result = convert(b.build(), max_overhead=3.0)
  assert result.converted_macs == result.original_macs


def test_more_overhead_needs_less_arena():
  heads = []
  for overhead in (1.0, 1.02, 1.2, 3.0):
    result = convert(sample(), max_overhead=overhead)
    assert result.converted_macs <= overhead * result.original_macs
    heads.append(result.converted_arena.head)
  assert heads == sorted(heads, reverse=True) and heads[-1] < heads[0]
  check_conversion(sample(), ConvertOptions(plan=PlanOptions(max_overhead=3.0)), 3)


def wide_in_the_middle():
  b = ModelBuilder(2)
  x = b.conv(b.input((1, 48, 48, 1)), 4, 3, 2)
  x = b.conv(b.conv(x, 24, 3), 24, 3)
  x = b.conv(b.max_pool(x, 2, 2), 8, 3, 2)
  b.output(b.fully_connected(b.mean(b.conv(x, 8, 3)), 3))
  return b.build()


@pytest.mark.parametrize('rows', [None, 1])
def test_strips_are_chosen_where_the_overhead_allows_them(rows):
  data = wide_in_the_middle()
  plain = convert_model(data, ConvertOptions(input_rows=rows))
  options = ConvertOptions(input_rows=rows, plan=PlanOptions(max_overhead=1.2))
  result = check_conversion(data, options, 4)
  (stage,) = result.stages
  names = [op.name for op in stage.plan.graph.ops]
  assert any(name.startswith('JOIN') for name in names)
  assert 'patch' not in names[0]
  assert result.converted_arena.head < plain.converted_arena.head
  assert plain.original_macs < result.converted_macs <= 1.2 * plain.original_macs
  check_memory(stage.plan)


def test_a_budget_between_takes_the_least_work():
  """Within an overhead that allows strips, they are not used where more arena is given."""
  data = wide_in_the_middle()
  least = convert(data, max_overhead=1.6)
  most = convert(data)
  assert least.converted_arena.total < most.converted_arena.total
  limit = most.converted_arena.total
  result = convert(data, max_overhead=1.6, arena_bytes=limit)
  assert result.converted_arena.total <= limit
  assert result.converted_macs == result.original_macs


@pytest.mark.parametrize('schedule', ['layer', 'stream'])
def test_fixed_schedules(schedule):
  result = check_conversion(sample(), ConvertOptions(plan=PlanOptions(schedule=schedule)), 3)
  for stage in result.stages:
    assert {segment.schedule for segment in stage.plan.segments} == {schedule}
    check_memory(stage.plan)


@pytest.mark.skipif(not real_models.available(), reason=real_models.MISSING)
def test_two_passes_of_mcunetv2():
  data = (real_models.FOLDER / 'mcunetv2_large.tflite').read_bytes()
  options = ConvertOptions(int8_io=True, input_rows=1, plan=PlanOptions(max_overhead=1.6))
  result = convert_model(data, options)
  assert result.converted_arena.head <= 150_000
  assert result.converted_macs <= 1.6 * result.original_macs
