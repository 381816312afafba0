# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which rows stay the same from window to window, and what is kept of them."""

import itertools

import pytest
from support.model_builder import ModelBuilder
from support.window_models import windowed

from tflm_patch.graph.reader import parse_model
from tflm_patch.planner.ir.stage_graph import NotStageable
from tflm_patch.planner.lowering.region import lower_region
from tflm_patch.planner.memory.state import state_of
from tflm_patch.planner.rewrites.hop import slide_over
from tflm_patch.planner.rewrites.hop_levels import levels
from tflm_patch.planner.rewrites.tracks import Sliding, Track


def graph_of(data):
  model = parse_model(data)
  return lower_region(model, model.main, tuple(range(len(model.main.operators))))


def convolutions(padding='SAME', stride=1, dilation=1):
  b = ModelBuilder(5)
  x = b.input((1, 20, 1, 4))
  for _ in range(2):
    x = b.conv(x, 4, (3, 1), (stride, 1), (dilation, 1), padding=padding)
  b.output(b.mean(x))
  return graph_of(b.build())


def tracks(graph, hop):
  sliding = Sliding(graph, graph.inputs[0], hop)
  return [sliding.tracks.get(op.outputs[0]) for op in graph.ops]


def test_border_rows_grow_with_each_padded_layer():
  first, second, mean = tracks(convolutions(), 1)
  assert first == Track(20, 1, 1, 19, top=1, depth=1)
  assert second == Track(20, 1, 2, 18, top=2, depth=2)
  assert mean is None


def test_strides_and_dilation():
  first, second, _ = tracks(convolutions(stride=2), 4)
  assert (first.hop, first.stride, first.low, first.high) == (2, 2, 0, 9)
  assert (second.hop, second.stride) == (1, 4)
  (first, *_) = tracks(convolutions(dilation=2), 1)
  assert (first.low, first.high) == (2, 18)
  with pytest.raises(NotStageable, match='makes a row of every 4 of the input'):
    tracks(convolutions(stride=2), 2)


def test_without_padding_there_are_none():
  first, second, _ = tracks(convolutions('VALID'), 1)
  assert (first.low, first.high, second.low, second.high) == (0, 18, 0, 16)


@pytest.mark.parametrize('seed', range(6))
def test_each_level_keeps_less_and_computes_more(seed):
  model = windowed(seed, 'SAME')
  graph = graph_of(model.data)
  found = levels(graph, 0, model.strides)
  sliding = [Sliding(graph, graph.inputs[0], model.strides, keep) for keep in found]
  for more, less in itertools.pairwise(sliding):
    assert less.state_bytes < more.state_bytes and less.work >= more.work
  for keep, each in zip(found, sliding):
    made = slide_over(graph, 0, model.strides, keep)
    assert sum(op.macs for op in made.ops) == pytest.approx(each.work, abs=len(made.ops))
    assert state_of(made).bytes <= -(-each.state_bytes // 16) * 16 + 4 * len(made.maps)
