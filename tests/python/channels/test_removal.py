# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Channels are removed where that is exact, through every operator, and nowhere else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from support.compare import assert_same_bytes, check_conversion
from support.effort import examples
from support.model_builder import ModelBuilder
from support.planted_channels import planted_networks, with_weights

from tflm_patch.api import ConvertOptions
from tflm_patch.channels import removal
from tflm_patch.channels.forward import analyze
from tflm_patch.conversion.finish import finish
from tflm_patch.conversion.plugins import Change, Context, run_plugins, select
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import Interpreter

INPUTS = 8


def rewritten(data: bytes, *plugins: str) -> tuple[Model, list[Change]]:
  entries = select(plugins or ['constant_channels']).rewrites
  model, changes = run_plugins(parse_model(data), entries, Context())
  return finish(model), changes


def check_exact(data: bytes, *plugins: str) -> tuple[Model, list[Change]]:
  """The rewritten model, of stock operators, gives the same bytes in TFLM."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  model, changes = rewritten(data, *plugins)
  if changes:
    original, found = Interpreter(data), Interpreter(serialize_model(model))
    for arrays in sample_inputs(parse_model(data), INPUTS):
      assert_same_bytes(original.invoke(arrays), found.invoke(arrays))
  return model, changes


def widths(model: Model) -> list[int]:
  """Channels of the outputs of all operators."""
  return [model.main.tensors[op.outputs[0]].shape[-1] for op in model.main.operators]


@pytest.mark.slow
@settings(max_examples=examples(30), deadline=None)
@given(planted_networks())
def test_planted_channels_go_and_no_byte_changes(network):
  check_exact(network.data)


@pytest.mark.slow
@settings(max_examples=examples(6), deadline=None)
@given(planted_networks())
def test_stages_of_what_stays_are_exact(network):
  result = check_conversion(network.data, ConvertOptions(), INPUTS)
  plain = check_conversion(network.data, ConvertOptions(plugins=('-constant_channels',)), 1)
  assert result.converted_arena.total <= plain.converted_arena.total
  assert result.converted_bytes <= plain.converted_bytes
  assert result.converted_macs <= plain.converted_macs


@settings(max_examples=examples(15), deadline=None)
@given(planted_networks())
def test_values_lie_in_their_ranges(network):
  """Of all tensors, in TFLM."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  model = parse_model(network.data)
  ranges = analyze(model.main).ranges
  made = {t for operator in model.main.operators for t in operator.outputs}
  shown = tuple(t for t in ranges if t in made)
  main = dataclasses.replace(model.main, outputs=shown)
  interpreter = Interpreter(serialize_model(dataclasses.replace(model, subgraphs=[main])))
  for arrays in sample_inputs(model, INPUTS):
    for t, values in zip(shown, interpreter.invoke(arrays)):
      cells = values.reshape(-1, ranges[t].low.size)
      assert (cells >= ranges[t].low).all() and (cells <= ranges[t].high).all(), model.main.tensors[
        t
      ]


@settings(max_examples=examples(15), deadline=None)
@given(planted_networks())
def test_what_is_known_after_a_removal_holds(network):
  """The same channels are constant as a new look finds, whose bounds may be closer: constants that
  moved into biases are known there, and were within ranges before.
  """
  graph = parse_model(network.data).main
  found = removal.find(graph)
  while found is not None:
    removal.apply(found)
    carried = graph.__dict__['_followed_channels'][1]
    fresh = analyze(graph)
    assert carried.steps.keys() == fresh.steps.keys()
    for t, ranges in fresh.ranges.items():
      known = carried.ranges[t]
      assert (known.low <= ranges.low).all() and (ranges.high <= known.high).all()
      constant = ranges.low == ranges.high
      assert (known.low == known.high).tolist() == constant.tolist()
    found = removal.find(graph)


def test_networks_of_too_many_channels_are_left_alone(monkeypatch):
  """What is looked at is bounded: a damaged file may say that a map has a billion channels."""
  b = ModelBuilder(0)
  b.output(b.conv(b.conv(b.input((1, 4, 4, 2)), 6, 1), 3, 1))
  data = with_weights(b.build(), 0, zero(1, 4))
  assert widths(rewritten(data)[0]) == [4, 3]
  monkeypatch.setattr(removal, '_MOST_CHANNELS', 10)
  assert widths(rewritten(data)[0]) == [6, 3]


# ---- through every operator: two of six channels are constant, at the zero point or not ----


def zero(*channels: int, bias: int | None = 0):
  """Makes output channels constant."""

  def change(weights: np.ndarray, biases: np.ndarray) -> None:
    weights[list(channels)] = 0
    if bias is not None:
      biases[list(channels)] = bias

  return change


def through_add(b, x):
  return b.add(x, b.conv(b.max_pool(x, 1, 1), 6, 1))


def through_concat(b, x):
  return b.concat([x, b.max_pool(x, 3, 1, 'SAME')])


def through_gate(b, x):
  return b.mul(x, b.logistic(b.mean(x, keep_dims=True)))


THROUGH = {
  'average_pool': lambda b, x: b.average_pool(x, 3, 2, 'SAME'),
  'max_pool': lambda b, x: b.max_pool(x, 3, 2, 'SAME'),
  'depthwise': lambda b, x: b.depthwise(x, 1, 3, padding='VALID'),
  'depthwise multiplier': lambda b, x: b.depthwise(x, 2, 3, padding='VALID'),
  'relu': lambda b, x: b.relu(x),
  'relu6': lambda b, x: b.relu6(x),
  'logistic': lambda b, x: b.logistic(x),
  'tanh': lambda b, x: b.tanh(x),
  'hard_swish': lambda b, x: b.hard_swish(x),
  'leaky_relu': lambda b, x: b.leaky_relu(x),
  'quantize': lambda b, x: b.quantize(x),
  'pad': lambda b, x: b.pad_spatial(x, 1, 0, 2, 1),
  'resize_nearest': lambda b, x: b.resize_nearest(x, 9, 12),
  'resize_bilinear': lambda b, x: b.resize_bilinear(x, 9, 12, False, True),
  'mean': lambda b, x: b.mean(x, keep_dims=True),
  'concat': through_concat,
  'gate': through_gate,
  'add constant': lambda b, x: b.add(x, b.constant_operand((1, 1, 1, 6))),
  'mul scalar': lambda b, x: b.mul(x, b.constant_operand(())),
  'sub': lambda b, x: b.sub(x, b.max_pool(x, 1, 1)),
  'maximum': lambda b, x: b.maximum(x, b.constant_operand((1, 1, 1, 6))),
  'prelu': lambda b, x: b.prelu(x, b.constant_operand((1, 1, 6))),
}


def chain(through, bias: int, seed: int = 3, tail: str = 'conv') -> bytes:
  b = ModelBuilder(seed)
  x = b.conv(b.input((1, 6, 8, 3)), 6, 1, activation='RELU')
  y = through(b, x)
  if tail == 'dense':
    shape = b.shape(y)
    y = b.fully_connected(b.reshape(y, (1, int(np.prod(shape)))), 4)
  else:
    y = b.conv(y, 5, 1)
  b.output(y)
  return with_weights(b.build(), 0, zero(1, 4, bias=bias))


@pytest.mark.parametrize('name', THROUGH)
@pytest.mark.parametrize('tail', ['conv', 'dense'])
def test_constants_pass_through(name, tail):
  # The padding is the zero point: another constant has borders.
  bias = -1000 if name == 'pad' else 700
  model, changes = check_exact(chain(THROUGH[name], bias, tail=tail))
  assert len(changes) == 1 and ' constant' in changes[0].text
  assert widths(model)[0] == 4
  assert model.main.tensors[model.main.outputs[0]].shape[-1] == (5 if tail == 'conv' else 4)


def test_a_sum_with_a_constant_stays():
  model, _ = check_exact(chain(through_add, 700))
  assert widths(model)[0] == 6


def test_transposed_convolutions_take_the_zero_point_only():
  def through(b, x):
    return b.transpose_conv(x, 4, 3, 2)

  assert widths(check_exact(chain(through, -1000))[0])[0] == 4
  assert widths(check_exact(chain(through, 700))[0])[0] == 6


def padded(bias: int) -> bytes:
  b = ModelBuilder(3)
  x = b.conv(b.input((1, 6, 8, 3)), 6, 1, activation='RELU')
  b.output(b.conv(x, 5, 3, padding='SAME'))
  return with_weights(b.build(), 0, zero(1, 4, bias=bias))


def test_a_constant_in_front_of_padding_goes_if_it_is_the_zero_point():
  assert widths(check_exact(padded(-1000))[0])[0] == 4
  assert widths(check_exact(padded(700))[0])[0] == 6


def test_a_depthwise_constant_at_the_borders_stays_where_it_shows():
  b = ModelBuilder(3)
  x = b.conv(b.input((1, 6, 8, 3)), 6, 1, activation='RELU')
  b.output(b.conv(b.depthwise(x, 1, 3), 5, 1))
  data = with_weights(b.build(), 0, zero(1, 4, bias=700))
  assert widths(check_exact(data)[0]) == [6, 6, 5]
  # With a clamp that every border runs into, it does not show.
  data = with_weights(data, 1, lambda w, bias: bias.__setitem__([1, 4], -(10**8)))
  assert widths(check_exact(data)[0]) == [4, 4, 5]


def test_what_a_constant_output_is_made_from_goes():
  """The output of the model stays, but nobody reads for it."""
  b = ModelBuilder(5)
  x = b.conv(b.input((1, 5, 5, 3)), 6, 1)
  b.output(b.conv(x, 2, 1, activation='RELU6'))
  data = with_weights(b.build(), 1, lambda w, bias: bias.__setitem__(slice(None), -(10**8)))
  model, changes = check_exact(data)
  assert widths(model) == [1, 2]
  assert 'unread' in changes[0].text


def test_channels_with_zero_weights_behind_them_go():
  b = ModelBuilder(7)
  x = b.conv(b.input((1, 6, 6, 3)), 8, 3, activation='RELU6')
  y = b.depthwise(x, 1, 3, activation='RELU6')
  b.output(b.conv(y, 5, 1))
  data = b.build()
  before = widths(rewritten(data)[0])
  data = with_weights(data, 2, lambda w, bias: w.__setitem__((..., [0, 3, 7]), 0))
  model, changes = check_exact(data)
  assert widths(model) == [before[0] - 3, before[1] - 3, 5]
  assert ' unread' in changes[0].text and 'MACs' in changes[0].text


def equal_channels(weight: int) -> bytes:
  """Channels 2 and 5 equal channel 0; all weights behind them are `weight`."""
  b = ModelBuilder(9)
  x = b.conv(b.input((1, 6, 6, 3)), 6, 3, activation='RELU6', per_channel=False)
  y = b.depthwise(x, 1, 3, activation='RELU6', per_channel=False)
  b.output(b.conv(y, 5, 1))

  def same(weights, biases):
    weights[[2, 5]] = weights[0]
    biases[[2, 5]] = biases[0]

  data = with_weights(with_weights(b.build(), 0, same), 1, same)
  return with_weights(data, 2, lambda w, bias: w.__setitem__(slice(None), weight))


def test_equal_channels_are_merged_where_weights_have_room():
  model, changes = check_exact(equal_channels(40))
  assert widths(model) == [4, 4, 5]
  assert 'equal to others' in changes[-1].text
  assert widths(check_exact(equal_channels(60))[0]) == [5, 5, 5]
  assert widths(check_exact(equal_channels(100))[0]) == [6, 6, 5]


def test_inputs_and_outputs_of_the_model_keep_their_channels():
  b = ModelBuilder(11)
  x = b.input((1, 5, 5, 4))
  y = b.conv(x, 6, 1)
  b.output(y, b.conv(y, 3, 1))
  data = with_weights(b.build(), 0, zero(0, 3))
  data = with_weights(data, 0, lambda w, bias: w.__setitem__((..., 2), 0))
  model, changes = check_exact(data)
  assert widths(model) == [6, 3] and not changes


def test_sums_that_would_not_fit_stay():
  b = ModelBuilder(13)
  x = b.conv(b.input((1, 5, 5, 3)), 4, 1, activation='RELU')
  b.output(b.conv(x, 3, 1))
  data = with_weights(b.build(), 0, zero(1, bias=700))
  assert widths(check_exact(data)[0])[0] == 3
  full = with_weights(data, 1, lambda w, bias: bias.__setitem__(0, 2**31 - 2))
  assert widths(rewritten(full)[0])[0] == 4


def test_a_network_without_weights_is_left_alone():
  b = ModelBuilder(15)
  b.output(b.conv(b.conv(b.input((1, 5, 5, 3)), 4, 1), 3, 1))
  data = b.build()
  for number in (0, 1):
    data = with_weights(data, number, zero(*range(3 + (number == 0))))
  assert rewritten(data)[1] == []


def test_models_without_stages_lose_channels_too():
  result = check_conversion(
    chain(THROUGH['relu'], 700), ConvertOptions(plugins=('-stage',)), INPUTS
  )
  assert result.changed and not result.stages
  assert result.converted_macs < result.original_macs
  assert result.converted_bytes < result.original_bytes
