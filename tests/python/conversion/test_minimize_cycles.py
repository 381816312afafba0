# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""--minimize cycles: the fewest predicted cycles, and stages that are only faster."""

import pytest
from support.compare import check_conversion
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.conversion.stock_work import are_faster, features_of
from tflm_patch.graph.reader import parse_model
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.work import predict


def convert(data, cpu='cortex-m4', **plan):
  return convert_model(data, ConvertOptions(plan=PlanOptions(**plan), cpu=cpu))


def work(result):
  return sum(predict(stage.plan, 'cortex-m4').work for stage in result.stages)


def classifier():
  b = ModelBuilder(6)
  x = b.conv(b.input((1, 24, 24, 3)), 8, 3, 2)
  for channels in (16, 32, 32):
    x = b.conv(b.depthwise(x, 1, 3), channels, 1)
  x = b.conv(x, 64, 3, 2)
  b.output(b.fully_connected(b.mean(x), 10))
  return b.build()


def wide():
  """A layer whose memory a stage hardly lowers: most of it is the model's output."""
  b = ModelBuilder(7)
  b.output(b.conv(b.input((1, 32, 32, 2)), 144, 5))
  return b.build()


def test_no_other_plan_is_predicted_to_be_faster():
  data = classifier()
  fastest = convert(data, minimize='cycles')
  check_conversion(data, ConvertOptions(plan=PlanOptions(minimize='cycles')), 3)
  assert fastest.converted_arena.total <= fastest.original_arena.total
  for other in (convert(data), convert(data, minimize='calls'), convert(data, arena_bytes=20_000)):
    assert work(fastest) <= work(other)


def test_more_arena_never_takes_more_cycles():
  data = classifier()
  least = convert(data).converted_arena.required
  found = [
    work(convert(data, minimize='cycles', arena_bytes=limit))
    for limit in (least, least + 500, least + 2000, least + 8000, 1 << 20)
  ]
  assert found == sorted(found, reverse=True)


def test_a_stage_that_is_only_faster_is_made():
  data = wide()
  plain, fast = convert(data), convert(data, minimize='cycles')
  assert not plain.stages
  assert fast.changed and fast.stages
  assert fast.converted_arena.total <= fast.original_arena.total
  check_conversion(data, ConvertOptions(plan=PlanOptions(minimize='cycles')), 3)
  # Nobody knows what portable kernels and TFLM's reference kernels take beside each other.
  assert not convert(data, cpu='riscv32', minimize='cycles').stages


def test_what_stock_operators_have_to_do():
  main = parse_model(classifier()).main
  found = features_of(main, range(len(main.operators)))
  assert found['conv_macs'] == 12 * 12 * (8 * 27 + 8 * 16 + 16 * 32 + 32 * 32) + 6 * 6 * 64 * 288
  assert found['depthwise_macs'] == 12 * 12 * 9 * (8 + 16 + 32)
  assert found['dense_macs'] == 640 and found['outputs'] == 64
  assert features_of(main, []) == dict.fromkeys(found, 0)


@pytest.mark.parametrize('cpu', ['cortex-m4', 'cortex-m33', 'cortex-m7', 'cortex-m55', None])
def test_kernels_that_are_known(cpu):
  data = classifier()
  result = convert(data, minimize='cycles')
  stock = parse_model(data).main
  assert are_faster(stock, result.stages, cpu) == (cpu not in ('cortex-m55', None))
  assert not are_faster(stock, [], cpu)
