# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How work spreads over the invocations of a frame."""

import pytest
from support.memory_check import check_memory
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.planner.bands import longest_invocation, work_by_band
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.work import predict


def network():
  """Wide maps behind the image, many channels on small maps later."""
  b = ModelBuilder(5)
  x = b.conv(b.input((1, 48, 48, 3)), 8, 3, 2)
  for channels, stride in ((16, 1), (32, 2), (64, 1), (64, 2), (64, 1), (64, 1)):
    x = b.conv(b.depthwise(x, 1, 3, stride), channels, 1)
  b.output(b.fully_connected(b.mean(x), 4))
  return b.build()


def plan_of(**options):
  result = convert_model(
    network(), ConvertOptions(input_rows=1, force_stage=True, plan=PlanOptions(**options))
  )
  (stage,) = result.stages
  check_memory(stage.plan)
  return result, stage.plan


def test_an_input_that_comes_whole_is_one_invocation():
  (stage,) = convert_model(network(), ConvertOptions(force_stage=True)).stages
  work = predict(stage.plan, 'cortex-m4')
  assert work_by_band(stage.plan, work.operators) == [pytest.approx(sum(work.operators))]
  found = longest_invocation(stage.plan, 'cortex-m4')
  assert found.number == 1 and found.longest == found.total == work.work


def test_bands_share_the_work():
  _, plan = plan_of()
  work = predict(plan, 'cortex-m4').operators
  bands = work_by_band(plan, work)
  assert len(bands) == 48 and all(band > 0 for band in bands)
  assert sum(bands) == pytest.approx(sum(work))
  # The image's own kernel takes every row alike.
  ones = [float(op == 0) for op in range(len(work))]
  assert work_by_band(plan, ones) == pytest.approx([1 / 48] * 48)


def test_balance_shortens_the_longest_invocation():
  (plain, before), (even, after) = plan_of(schedule='auto'), plan_of(balance=True)
  first, second = (longest_invocation(plan, 'cortex-m4') for plan in (before, after))
  assert second.longest < 0.8 * first.longest
  assert even.converted_arena.total <= even.original_arena.total
  assert after.macs == before.macs
  # In the memory of the smallest plan there is nothing to choose.
  limit = plain.converted_arena.required
  tight, plan = plan_of(balance=True, arena_bytes=limit)
  assert tight.converted_arena.required <= limit
  assert longest_invocation(plan, 'cortex-m4').longest <= first.longest


@pytest.mark.slow
def test_more_memory_never_makes_the_longest_invocation_longer():
  least = plan_of()[0].converted_arena.required
  longest = [
    longest_invocation(plan_of(balance=True, arena_bytes=limit)[1], 'cortex-m4').longest
    for limit in (least, least + 1000, least + 4000, least + 16000, 1 << 20)
  ]
  assert longest == sorted(longest, reverse=True) and longest[-1] < longest[0]
