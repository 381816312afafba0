# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Loops for repeating calls: the same calls in the same order, in less code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_patch.codegen import loops
from tflm_patch.codegen.loops import Call, Loop, compress, expand, repetitions

calls = st.builds(Call, st.integers(0, 2), st.integers(0, 3), st.integers(1, 2))


@st.composite
def patterns(draw):
  """Calls with repetitions in them, nested ones too."""
  sequence = draw(st.lists(calls, min_size=1, max_size=4))
  for _ in range(draw(st.integers(0, 3))):
    step = draw(st.integers(0, 2))
    times = draw(st.integers(1, 5))
    sequence = [
      Call(call.function, call.base + step * i, call.count)
      for i in range(times)
      for call in sequence
    ]
    sequence += draw(st.lists(calls, max_size=2))
    if len(sequence) > 200:
      break
  return sequence


def plain(sequence):
  return [(call.function, call.base, call.count) for call in sequence]


def count(nodes):
  found = []
  loops.walk(nodes, found.append)
  return len(found)


@given(patterns())
def test_the_same_calls_in_the_same_order(sequence):
  nodes = compress(sequence)
  assert expand(nodes) == plain(sequence)
  assert count(nodes) <= len(sequence)


@given(st.lists(st.lists(calls, min_size=1, max_size=2), max_size=20))
def test_repetitions_cover_all_items(items):
  at = 0
  for run in repetitions(items):
    assert run.first == at and run.times >= 1
    at += run.period * run.times
  assert at == len(items)


def test_a_stream_becomes_a_loop():
  sequence = [call for i in range(20) for call in (Call(0, 3 + 2 * i, 2), Call(1, i, 1))]
  assert compress(sequence) == (Loop(20, (Call(0, 3, 2, (2,)), Call(1, 0, 1, (1,)))),)


def test_loops_in_loops():
  inner = [Call(0, 10 * i + j, 1) for i in range(6) for j in (0, 1, 2, 3)]
  sequence = [c for i in range(6) for c in (*inner[4 * i : 4 * i + 4], Call(1, i, 1))]
  assert compress(sequence) == (Loop(6, (Loop(4, (Call(0, 0, 1, (1, 10)),)), Call(1, 0, 1, (1,)))),)


@pytest.mark.parametrize(
  'sequence',
  [[], [Call(0, 0, 1)], [Call(0, 0, 1), Call(0, 5, 2)], [Call(0, i * i, 1) for i in range(2)]],
)
def test_what_does_not_repeat_stays(sequence):
  assert compress(sequence) == tuple(sequence)
