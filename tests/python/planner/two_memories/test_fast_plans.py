# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Plans for two memories: within both, nothing overwritten, cycles as they are counted."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from support.effort import examples
from support.graphs import small_networks
from support.memory_check import check_memory
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.cost.memories import Memories
from tflm_patch.errors import TflmPatchError
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.two_memories import accesses
from tflm_patch.planner.work import predict, speed, waiting_cycles, work_of_plan
from tflm_patch.program.records import Region

CPU = 'cortex-m4'


def network():
  """A wide bottleneck network with a shortcut, and a dense end."""
  b = ModelBuilder(9)
  x = b.conv(b.input((1, 24, 20, 3)), 8, 3, 2, activation='RELU6')
  for _ in range(2):
    y = b.conv(b.depthwise(b.conv(x, 40, 1), 3), 8, 1)
    x = b.add(x, y)
  x = b.conv(x, 96, 1)
  b.output(b.softmax(b.fully_connected(b.mean(x), 5)))
  return b.build()


def converted(fast_bytes, force=False, **options):
  memories = Memories(fast_bytes)
  plan = PlanOptions(memories=memories, **options)
  result = convert_model(network(), ConvertOptions(plan=plan, force_stage=force))
  return result, memories


@pytest.mark.parametrize('fast_bytes', [16, 700, 4096, 1 << 20])
def test_plans_keep_to_the_fast_memory(fast_bytes):
  result, memories = converted(fast_bytes)
  assert result.stages
  assert 0 <= result.fast_bytes <= fast_bytes
  for stage in result.stages:
    check_memory(stage.plan)
    assert stage.plan.fast_bytes % 16 == 0
    ends = [
      scratch.offset + scratch.bytes
      for scratch in stage.plan.scratch
      if scratch is not None and scratch.region == Region.FAST
    ]
    assert max(ends, default=0) <= stage.plan.fast_bytes
  assert result.converted_arena.required <= result.original_arena.required
  assert speed([s.plan for s in result.stages], CPU, memories).cycles > 0


def test_fast_memory_saves_cycles_and_more_saves_more():
  cycles = []
  for fast_bytes in (16, 1024, 4096, 1 << 20):
    result, memories = converted(fast_bytes)
    cycles.append(speed([s.plan for s in result.stages], CPU, memories).cycles)
  assert cycles == sorted(cycles, reverse=True)
  assert cycles[-1] < 0.8 * cycles[0]


def test_what_is_accessed_most_lies_in_fast_memory():
  result, _ = converted(4096)
  (stage,) = result.stages
  counted = accesses.of_plan(stage.plan, work_of_plan(stage.plan))
  assert counted.fast > 2 * counted.slow


def test_accesses_do_not_depend_on_places():
  """What is moved is moved; only from where differs."""
  totals = []
  for fast_bytes in (16, 1 << 20):
    result, memories = converted(fast_bytes)
    (stage,) = result.stages
    without = dataclasses.replace(
      stage.plan,
      maps=tuple(
        dataclasses.replace(m, region=0, split_region=0) if m.region == Region.FAST else m
        for m in stage.plan.maps
      ),
      scratch=tuple(
        None if s is None else dataclasses.replace(s, region=0) for s in stage.plan.scratch
      ),
    )
    here = accesses.of_plan(stage.plan, work_of_plan(stage.plan))
    there = accesses.of_plan(without, work_of_plan(without))
    assert here.fast + here.slow == pytest.approx(there.slow)
    assert there.fast == 0
    totals.append(waiting_cycles(without, memories) - waiting_cycles(stage.plan, memories))
  assert 0 <= totals[0] < totals[1]


def test_memory_that_does_not_wait_costs_nothing():
  result, _ = converted(4096)
  (stage,) = result.stages
  free = Memories(4096, slow_cycles=1)
  assert waiting_cycles(stage.plan, free) == 0
  assert speed([stage.plan], CPU, free).cycles == predict(stage.plan, CPU).cycles
  weights = Memories(4096, slow_cycles=1, weights_cycles=3)
  counted = accesses.of_plan(stage.plan, work_of_plan(stage.plan))
  assert waiting_cycles(stage.plan, weights) == round(2 * counted.weights)


def test_an_arena_that_one_memory_does_not_fit():
  limit = 2000  # the image, what TFLM keeps, and little more
  with pytest.raises(TflmPatchError, match='no plan fits'):
    convert_model(network(), ConvertOptions(plan=PlanOptions(arena_bytes=limit)))
  result, _ = converted(1 << 16, arena_bytes=limit)
  assert result.converted_arena.required <= limit
  assert result.fast_bytes > 0


def test_bands_of_the_input():
  plan = PlanOptions(memories=Memories(4096))
  result = convert_model(network(), ConvertOptions(plan=plan, input_rows=2))
  check_memory(result.stages[0].plan)
  assert result.fast_bytes > 0


def test_files_of_one_memory_say_nothing_of_two():
  data = convert_model(network()).data
  assert b'fast_bytes' not in data
  assert b'fast_bytes' in converted(4096)[0].data


@pytest.mark.parametrize(
  'values', [{'fast_bytes': 0}, {'fast_bytes': 64, 'slow_cycles': 0}, {'fast_bytes': 15}]
)
def test_memories_that_cannot_be(values):
  with pytest.raises(TflmPatchError):
    Memories(**values)


def test_arena_faster_than_fast_memory_is_refused():
  with pytest.raises(TflmPatchError, match='exchange'):
    Memories(64, slow_cycles=2, fast_cycles=3)


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(small_networks())
def test_no_row_is_overwritten_before_it_is_read(net):
  plan = PlanOptions(memories=Memories(1024))
  for stage in convert_model(net.data, ConvertOptions(force_stage=True, plan=plan)).stages:
    check_memory(stage.plan)
    assert stage.plan.fast_bytes <= 1024
