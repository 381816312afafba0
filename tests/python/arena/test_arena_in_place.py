# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Offline plans in which an output lies over its operator's input: never held twice."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from arena_models import FLOAT32, INT8, INT16, INT32, SmallModel

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.arena import greedy, in_place, live_ranges, predict
from tflm_patch.arena.greedy import Requirement
from tflm_patch.arena.live_ranges import OFFLINE_PLAN
from tflm_patch.arena.offline import improve
from tflm_patch.arena.packing import Packer
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.verify import compare

UINT8 = schema.TensorType.UINT8
BYTES = {FLOAT32: 4, INT32: 4, INT16: 2, INT8: 1, UINT8: 1}
N = 1600


class Chain:
  """A model whose tensors follow each other; the last of each step is `at`."""

  def __init__(self, dtype: int, size: int = N) -> None:
    self.model = SmallModel()
    self.at = self.source = self._tensor(dtype, size)

  def _tensor(self, dtype: int, size: int, scale: float = 0.05) -> int:
    self.size, self.dtype = size, dtype
    scales = None if dtype == FLOAT32 else (scale,)
    return self.model.tensor((1, size), dtype, scales=scales, zero_point=int(dtype == UINT8) * 128)

  def quantize(self, dtype: int, scale: float = 0.05) -> Chain:
    return self._next('QUANTIZE', [], dtype, self.size, scale)

  def reshape(self) -> Chain:
    shape = self.model.constant([1, self.size])
    return self._next('RESHAPE', [shape], self.dtype, self.size)

  def slice(self, size: int) -> Chain:
    """The first of the values, of int8 where they are uint8, which SLICE does not take."""
    if self.dtype == UINT8:
      self.quantize(INT8)
    begin, count = self.model.constant([0, 0]), self.model.constant([1, size])
    return self._next('SLICE', [begin, count], self.dtype, size)

  def _next(self, opcode, more, dtype, size, scale=0.05) -> Chain:
    before, self.at = self.at, self._tensor(dtype, size, scale)
    self.model.op(opcode, [before, *more], [self.at])
    return self

  def build(self, *more: int) -> bytes:
    self.model.interface([self.source], [self.at, *more])
    return self.model.build()


def check(data, head, reported, build, kept=()):
  """A plan of this head, which gives the same bytes in TFLM."""
  model = parse_model(data)
  better = improve(model, build, kept)
  after = predict(better, build=build)
  assert after.head == head
  if better is not model:
    planned = serialize_model(better)
    assert reported(planned) == (after.head, after.tail)
    result = compare(data, planned, sample_inputs(model, 4), None)
    assert result.bit_exact, result.first


@pytest.mark.slow
@pytest.mark.parametrize(
  ('source', 'target'),
  [
    (UINT8, INT8),
    (INT8, UINT8),
    (INT8, INT8),
    (FLOAT32, INT8),
    (INT16, INT8),
    (INT32, INT8),
    (INT16, INT16),
  ],
)
@pytest.mark.parametrize('scale', [0.05, 0.11])
def test_an_input_that_is_only_quantized(source, target, scale, reported, build):
  data = Chain(source).quantize(target, scale).slice(16).build()
  held_twice = N * (BYTES[source] + BYTES[target])
  assert predict(parse_model(data), build=build).head == held_twice
  check(data, max(N * BYTES[source], (N + 16) * BYTES[target]), reported, build)


@pytest.mark.parametrize(('source', 'target'), [(FLOAT32, INT16), (INT8, INT16), (INT8, INT32)])
def test_what_might_be_overwritten_before_it_is_read(source, target, reported, build):
  data = Chain(source).quantize(target).slice(16).build()
  check(data, N * (BYTES[source] + BYTES[target]), reported, build)


def test_an_output_that_is_only_quantized(reported, build):
  data = Chain(INT8, 16 * N).slice(N).quantize(UINT8).build()
  check(data, 17 * N, reported, build)
  check(Chain(INT8).quantize(INT8, 0.3).quantize(UINT8).build(), N, reported, build)


def test_chains_of_them(reported, build):
  """The larger place is free for others as soon as the input is dead."""
  chain = Chain(FLOAT32).quantize(INT8).reshape().quantize(UINT8).quantize(INT8, 0.2)
  check(chain.reshape().slice(N // 2).build(), 4 * N, reported, build)


def test_inputs_that_are_read_again(reported, build):
  """By a later operator, or by the application."""
  chain = Chain(UINT8).quantize(INT8)
  kept = chain.model.tensor((1, N), UINT8, scales=(0.05,), zero_point=128)
  shape = chain.model.constant([1, N])
  chain.model.op('RESHAPE', [chain.source, shape], [kept])
  # The reshaped bytes lie over the input, the quantized ones beside it.
  check(chain.build(kept), 2 * N, reported, build)
  check(Chain(UINT8).quantize(INT8).build(0), 2 * N, reported, build)
  check(Chain(UINT8).quantize(INT8).slice(16).build(), 2 * N, reported, build, kept=(0,))


@pytest.mark.slow
def test_random_chains(reported, build):
  rng = np.random.default_rng(11)
  for _ in range(40):
    chain = Chain(rng.choice([UINT8, INT8, FLOAT32]).item(), int(rng.integers(100, 900)))
    for _ in range(int(rng.integers(2, 7))):
      step = rng.integers(3)
      if chain.dtype == FLOAT32 or step == 0:
        chain.quantize(UINT8 if chain.dtype == INT8 else INT8, float(rng.choice([0.05, 0.2])))
      elif step == 1:
        chain.reshape()
      else:
        chain.slice(int(rng.integers(chain.size // 2, chain.size + 1)))
    data = chain.build()
    model = parse_model(data)
    found = [
      max(predict(m, build=build).buffers, key=lambda buffer: buffer.size).size
      for m in (model, improve(model, build))
    ]
    assert found[0] == found[1]
    check(data, predict(improve(model, build), build=build).head, reported, build)


def test_places_of_chains_meet_only_themselves():
  rng = np.random.default_rng(3)
  for _ in range(60):
    wanted, shared = [Requirement(16 * 30, 0, 3), Requirement(16 * 9, 3, 7)], {1: 0}
    if rng.integers(2):
      wanted.append(Requirement(16 * 9, 7, 9))
      shared[2] = 1
    for _ in range(int(rng.integers(1, 9))):
      first = int(rng.integers(0, 9))
      size = 16 * int(rng.integers(1, 30))
      wanted.append(Requirement(size, first, first + int(rng.integers(0, 5))))
    packer = Packer(wanted, shared)
    offsets = packer.search(functools.partial(greedy.peak, wanted))
    assert packer.bound <= greedy.peak(wanted, offsets)
    for (i, a), (j, b) in itertools.combinations(enumerate(wanted), 2):
      apart = offsets[i] + a.size <= offsets[j] or offsets[j] + b.size <= offsets[i]
      assert apart or a.last < b.first or b.last < a.first or shared.get(j) == i
    assert all(offsets[i] == offsets[j] for i, j in shared.items())


def test_convert_does_so_and_keeps_what_is_to_be_kept(reported, build):
  """The operator behind the QUANTIZE stays stock, too."""
  data = Chain(UINT8).quantize(INT8).slice(16).build()
  options = {'plugins': ('-stage', '-boundary_quantize')}
  result = convert_model(data, ConvertOptions(**options))
  assert reported(result.data)[0] == result.converted_arena.head == N + 16
  kept = convert_model(data, ConvertOptions(keep_input=True, **options))
  words = dict(kept.model.metadata).get(OFFLINE_PLAN)
  assert words is None
  assert live_ranges.offline_plan(kept.model) == (None, True)
  assert in_place.shared(kept.model, live_ranges.find(kept.model, (), None).buffers) == {}
