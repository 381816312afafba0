# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Offline plans: never larger, as predicted, and without a changed byte."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from arena_models import SmallModel
from arena_random_models import random_model
from hypothesis import given, settings
from hypothesis import strategies as st
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.arena import greedy, memory_over_time, predict
from tflm_patch.arena.greedy import Requirement
from tflm_patch.arena.live_ranges import OFFLINE_PLAN
from tflm_patch.arena.offline import improve, with_plan
from tflm_patch.arena.packing import Packer, lower_bound
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Model, Operator, Subgraph, Tensor
from tflm_patch.graph.writer import serialize_model
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.runtime.verify import compare


def buffers(most):
  return st.lists(
    st.builds(
      lambda size, first, length: Requirement(16 * size, first, first + length),
      st.integers(1, 9),
      st.integers(0, 7),
      st.integers(0, 4),
    ),
    min_size=1,
    max_size=most,
  )


def meet(a, b):
  return a.first <= b.last and b.first <= a.last


def least_peak(wanted):
  """The lowest peak of all packings, by placing in every order."""
  best = sum(each.size for each in wanted)
  for order in itertools.permutations(range(len(wanted))):
    offsets = {}
    for i in order:
      stops = [0, *(offsets[j] + wanted[j].size for j in offsets)]
      offsets[i] = min(
        at
        for at in stops
        if all(
          at + wanted[i].size <= offsets[j] or offsets[j] + wanted[j].size <= at
          for j in offsets
          if meet(wanted[i], wanted[j])
        )
      )
    best = min(best, max(offsets[i] + wanted[i].size for i in offsets))
  return best


def pack(wanted):
  packer = Packer(wanted)
  return packer.search(lambda offsets: greedy.peak(wanted, offsets))


@settings(max_examples=60, deadline=None)
@given(buffers(6))
def test_least_peak_of_few_buffers(wanted):
  assert greedy.peak(wanted, pack(wanted)) == least_peak(wanted)


@settings(max_examples=60, deadline=None)
@given(buffers(25))
def test_what_is_alive_together_lies_apart(wanted):
  offsets = pack(wanted)
  for (a, at), (b, bt) in itertools.combinations(zip(wanted, offsets), 2):
    assert not meet(a, b) or at + a.size <= bt or bt + b.size <= at
  assert all(at % 16 == 0 and at >= 0 for at in offsets)
  found = greedy.peak(wanted, offsets)
  assert lower_bound(wanted) <= found <= greedy.peak(wanted, greedy.place(wanted))


def test_a_search_is_repeatable():
  rng = np.random.default_rng(5)
  wanted = [
    Requirement(16 * int(size), int(first), int(first + length))
    for size, first, length in rng.integers((1, 0, 0), (50, 30, 9), (60, 3))
  ]
  assert pack(wanted) == pack(wanted)


def grow_and_shrink(sizes):
  """A chain of vectors of the given sizes."""
  model = SmallModel()
  tensors = [model.tensor((1, size)) for size in sizes]
  for a, b in itertools.pairwise(range(len(sizes))):
    if sizes[b] > sizes[a]:
      extra = model.constant(np.zeros((1, sizes[b] - sizes[a])), 'int8')
      model.op(
        'CONCATENATION', [tensors[a], extra], [tensors[b]], ('ConcatenationOptions', {'axis': 1})
      )
    elif sizes[b] < sizes[a]:
      begin, size = model.constant([0, 0]), model.constant([1, sizes[b]])
      model.op('SLICE', [tensors[a], begin, size], [tensors[b]])
    else:
      model.op('RELU', [tensors[a]], [tensors[b]])
  model.interface([tensors[0]], [tensors[-1]])
  return model.build()


def check(data, reported, build, inputs=3):
  """Improves a model; both are measured, and compared on inputs."""
  model = parse_model(data)
  better = improve(model)
  before, after = predict(model, build=build), predict(better, build=build)
  assert after.head <= before.head and after.tail == before.tail
  if better is model:
    return before, after
  assert after.head < before.head
  planned = serialize_model(better)
  assert reported(data) == (before.head, before.tail)
  assert reported(planned) == (after.head, after.tail)
  comparison = compare(data, planned, sample_inputs(model, inputs), None)
  assert comparison.bit_exact, comparison.first
  Interpreter(planned, arena_bytes=after.required)
  return before, after


# A MobileNetV1 in small.
SIZES = [1536, 1024, 1024, 2048, 512, 1024, 1024, 1024, 256, 512]
GREEDY_LEAVES_A_GAP = grow_and_shrink(SIZES)


def test_a_chain_that_greedy_leaves_a_gap_in(reported, build):
  before, after = check(GREEDY_LEAVES_A_GAP, reported, build)
  assert before.head > after.head == max(memory_over_time(before)) == 3072


@pytest.mark.slow
@pytest.mark.parametrize('seed', range(0, 120, 20))
def test_random_graphs(seed, reported, build):
  fell = 0
  for number in range(seed, seed + 20):
    before, after = check(random_model(number), reported, build, inputs=2)
    fell += after.head < before.head
  assert fell


def test_scratch_buffers_find_their_place(reported, build):
  """MEAN asks for scratch memory, which no plan can name."""
  model = SmallModel()
  x = model.tensor((1, 4096))
  tensors = [x]
  for size in (2048, 3072, 1024, 2560):
    begin, count = model.constant([0, 0]), model.constant([1, size])
    y = model.tensor((1, size))
    model.op('SLICE', [x, begin, count], [y])
    tensors.append(y)
  outputs = []
  for t in tensors[1:]:
    outputs.append(model.tensor((1, 1)))
    axes, keep = model.constant([1]), ('ReducerOptions', {'keepDims': True})
    model.op('MEAN', [t, axes], [outputs[-1]], keep)
  model.interface([x], outputs)
  data = model.build()
  assert any(buffer.kind == 'scratch' for buffer in predict(parse_model(data)).buffers)
  check(data, reported, build)


@pytest.mark.slow
def test_a_mobilenet(reported, build):
  b = ModelBuilder(4)
  x = b.conv(b.input((1, 32, 32, 3)), 8, 3, 2)
  for channels, stride in ((16, 1), (32, 2), (32, 1), (64, 2)):
    x = b.conv(b.depthwise(x, 1, 3, stride), channels, 1)
  b.output(b.softmax(b.fully_connected(b.mean(x, keep_dims=False), 5)))
  before, after = check(b.build(), reported, build)
  assert after.head < before.head


@pytest.mark.slow
def test_a_real_model(models, reported, build):
  if 'mlperf_vww_96_int8' not in models:
    pytest.skip('mlperf_vww_96_int8 is not among the models')
  data = models['mlperf_vww_96_int8'].read_bytes()
  before, after = check(data, reported, build, inputs=1)
  assert (before.head, after.head) == (73728, 55296)


def test_nothing_to_gain_changes_nothing():
  model = parse_model(grow_and_shrink([64, 64, 64]))
  assert improve(model) is model


def test_a_plan_that_a_model_brings_stays():
  model = parse_model(GREEDY_LEAVES_A_GAP)
  spread = with_plan(model, {(0, t): 16384 * t for t in (0, 1, 2)})
  assert predict(spread).head > predict(model).head > predict(improve(model)).head
  assert improve(spread) is spread


def test_the_metadata_lists_every_tensor():
  model = parse_model(GREEDY_LEAVES_A_GAP)
  words = np.frombuffer(dict(improve(model).metadata)[OFFLINE_PLAN].tobytes(), '<i4').tolist()
  tensors = model.main.tensors
  assert words[:3] == [1, 1, len(tensors)] and len(words) == 3 + len(tensors)
  for tensor, offset in zip(tensors, words[3:]):
    assert offset == -1 if tensor.is_constant else offset >= 0 and offset % 16 == 0


def vectors(*sizes):
  return [Tensor(f't{i}', (size,), DType.INT8) for i, size in enumerate(sizes)]


def chain(opcode, custom=None):
  ops = [Operator(opcode, (i,), (i + 1,), custom_name=custom) for i in range(len(SIZES) - 1)]
  return Model([Subgraph(vectors(*SIZES), ops, (0,), (len(SIZES) - 1,))])


def test_operators_of_unknown_memory_are_left_alone():
  known, unknown = chain('RELU'), chain('CUSTOM', 'Mine')
  assert improve(known) is not known
  assert improve(unknown) is unknown


def test_variables_of_later_subgraphs_keep_their_memory():
  """TFLM takes the variable's place in the plan for that of the main subgraph's tensor."""
  model = chain('RELU')
  state = Tensor('state', (64,), DType.INT8, is_variable=True)
  model.subgraphs.append(Subgraph([state], [], (0,), (0,)))
  assert predict(model).head > max(memory_over_time(predict(model)))
  assert improve(model) is model


@pytest.mark.parametrize('rows', [None, 4])
def test_models_with_a_stage_between_stock_operators(rows, reported, build):
  """The workspace is scratch memory: TFLM puts it beside the planned tensors."""
  b = ModelBuilder(7)
  x = b.input((1, 16, 16, 4))
  x = b.conv(b.conv(x, 16, 3), 8, 3, 2)
  for _ in range(2):
    x = b.leaky_relu(b.leaky_relu(x, -0.5), -0.5)
    x = b.conv(b.leaky_relu(x, -0.5), 12, 3)
  b.output(x)
  options = ConvertOptions(force_stage=True, input_rows=rows, offline_plan=False)
  result = convert_model(b.build(), options)
  assert len(result.stages) > 1
  if rows is not None:
    assert improve(result.model) is result.model
  else:
    check(result.data, reported, build)


def test_convert_uses_it(models, reported, build):
  if 'mlperf_vww_96_int8' not in models:
    pytest.skip('mlperf_vww_96_int8 is not among the models')
  data = models['mlperf_vww_96_int8'].read_bytes()
  alone = ('-stage', '-constant_channels')
  result = convert_model(data, ConvertOptions(plugins=alone))
  assert result.changed and result.stages == () and result.reason is None
  assert [change.plugin for change in result.changes] == ['offline_plan']
  assert reported(result.data)[0] == result.converted_arena.head == 55296
  kept = convert_model(data, ConvertOptions(plugins=alone, offline_plan=False))
  assert not kept.changed and kept.data == data
