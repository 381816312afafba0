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
from tflm_patch.conversion.known import Known
from tflm_patch.errors import TflmPatchError
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.search import work_of
from tflm_patch.planner.work import predict
from tflm_patch.runtime.arena_measurement import smallest_arena
from tflm_patch.sample.sample import sample_model_path


def sample():
  return sample_model_path().read_bytes()


KNOWN = {}


@functools.cache
def convert(data, **plan):
  """Conversions of a model share what they find, as those of `tflm-patch pareto` do."""
  known = KNOWN.setdefault(data, Known())
  return convert_model(data, ConvertOptions(plan=PlanOptions(**plan)), known=known)


def cycles(result):
  """Predicted, of all stages; instructions for a core without timings."""
  return sum(predict(stage.plan, 'cortex-m4').work for stage in result.stages)


def limits_between(least, most, steps):
  return [least + (most - least) * k // steps for k in range(steps + 1)]


def test_more_arena_makes_faster_plans():
  data = sample()
  smallest = convert(data)
  fastest = convert(data, arena_bytes=1 << 20)
  least, most = smallest.converted_arena.required, fastest.converted_arena.required
  assert most > least and cycles(fastest) < cycles(smallest)
  before = cycles(smallest)
  for limit in limits_between(least, most, 4):
    result = convert(data, arena_bytes=limit)
    assert result.converted_arena.required <= limit
    assert cycles(result) <= before
    before = cycles(result)
  assert before == cycles(fastest)
  middle = (least + most) // 2
  result = check_conversion(data, ConvertOptions(plan=PlanOptions(arena_bytes=middle)), 3)
  for stage in result.stages:
    check_memory(stage.plan)


@pytest.mark.parametrize('name', ['mlperf_vww_96_int8', 'mlperf_kws_int8', 'mlperf_resnet8_int8'])
def test_more_arena_never_makes_a_real_model_slower(name, models_dir):
  path = models_dir / f'{name}.tflite'
  if not path.exists():
    pytest.skip(f'{path} is absent')
  data = path.read_bytes()
  smallest = convert(data)
  most = convert(data, arena_bytes=1 << 20).converted_arena.required
  before = cycles(smallest)
  for limit in limits_between(smallest.converted_arena.required, most, 12):
    after = cycles(convert(data, arena_bytes=limit))
    assert after <= before, limit
    before = after


def test_the_fewest_kernel_calls():
  data = sample()
  (smallest,), (fastest,) = convert(data).stages, convert(data, minimize='calls').stages
  assert work_of(fastest.plan) < work_of(smallest.plan)
  assert fastest.plan.macs == smallest.plan.macs


def small_head():
  """A model whose arena is least while TFLM prepares it."""
  b = ModelBuilder(12)
  x = b.input((1, 1, 1, 8))
  for _ in range(24):
    x = b.conv(x, 8, 1)
  b.output(x)
  return b.build()


def test_a_budget_that_tflm_cannot_allocate_is_refused():
  data = small_head()
  smallest = convert(data, allow_slower=True)
  arena = smallest.converted_arena
  assert smallest.changed and arena.required > arena.total + 15
  with pytest.raises(TflmPatchError, match='while TFLM plans its memory'):
    convert(data, arena_bytes=arena.total)
  assert convert(data, arena_bytes=arena.required).data


@pytest.mark.parametrize('make', [small_head, sample])
def test_what_a_budget_accepts_runs_in_it(make):
  """On the host, whose pointers have 8 bytes; its allocator also keeps records."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  result = convert_model(make())
  assert smallest_arena(result.data) == result.converted_arena_host.required


def test_a_budget_that_nothing_fits():
  # A budget allows what costs time, but no multiply-accumulates.
  least = convert(sample(), allow_slower=True).converted_arena.required
  assert convert(sample(), arena_bytes=least).converted_arena.required <= least
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
  assert one.converted_macs <= one.original_macs
  assert one.converted_macs < two.converted_macs <= 2.0 * one.original_macs
  assert two.converted_arena.head < 0.6 * one.converted_arena.head
  assert convert(data, max_overhead=1.01).converted_macs == one.converted_macs
  check_conversion(data, ConvertOptions(plan=PlanOptions(max_overhead=2.0)), 6)
  for stage in two.stages:
    check_memory(stage.plan)


def test_no_recomputation_where_it_does_not_pay():
  b = ModelBuilder(4)
  x = b.input((1, 32, 32, 3))
  for channels in (8, 12, 12):
    x = b.conv(x, channels, 3, 2)
  b.output(b.fully_connected(b.mean(x), 3))
  data = b.build()
  assert convert(data, max_overhead=3.0).converted_macs == convert(data).converted_macs


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
  limit = most.converted_arena.required
  result = convert(data, max_overhead=1.6, arena_bytes=limit)
  assert result.converted_arena.required <= limit
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
