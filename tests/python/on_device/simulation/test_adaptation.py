# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What is chosen within a memory, and new last layers."""

import numpy as np
import pytest
from support.model_builder import ModelBuilder

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.on_device.scheme import RATIOS, Loss
from tflm_patch.on_device.simulation.adaptation import Adapter, AdaptOptions, adapt
from tflm_patch.on_device.simulation.choices import Choice, Space, largest_channels
from tflm_patch.on_device.simulation.contributions import (
  Analysis,
  Contributions,
  contribution,
  fisher,
)
from tflm_patch.on_device.simulation.data import Samples, divided
from tflm_patch.on_device.simulation.head import replaced_head
from tflm_patch.on_device.simulation.learning import LearningOptions
from tflm_patch.on_device.simulation.network import Network
from tflm_patch.on_device.simulation.search import Search, StepLimit
from tflm_patch.quantization.exact import ExactNetwork

CLASSES = 4


def small(softmax=True):
  b = ModelBuilder(4)
  x = b.input((1, 8, 8, 2))
  x = b.conv(x, 8, kernel=3, stride=2, activation='RELU6')
  x = b.depthwise(x, kernel=3, activation='RELU6')
  x = b.conv(x, 8, kernel=1)
  x = b.mean(x, axes=(1, 2), keep_dims=False)
  x = b.fully_connected(x, 3)
  b.output(b.softmax(x) if softmax else x)
  return b.model()


def samples(count, seed=0):
  """A class a quarter of the image."""
  rng = np.random.default_rng(seed)
  labels = np.arange(count) % CLASSES
  images = rng.integers(-128, -60, (count, 8, 8, 2))
  for image, label in zip(images, labels):
    image[..., label % 2] += 60 + 90 * (label // 2)
  return Samples(images.clip(-128, 127).astype(np.int8), labels)


@pytest.fixture(scope='module')
def space():
  model = replaced_head(small(), CLASSES, samples(32))
  return Space.of(Network(model), Loss.CROSS_ENTROPY, True)


def parameters(scheme, space):
  """A memory for tests: bytes that grow with all that is trained."""
  total = 0
  for update in scheme.updates:
    layer = space.network.layers[update.operator]
    whole = layer.initial.weights.size // layer.channels * len(update.input_channels)
    total += whole + 4 * layer.channels_out + 16
  return total


def test_new_head():
  model = replaced_head(small(), CLASSES, samples(32))
  again = parse_model(serialize_model(model))
  network = Network(again)
  assert network.classes == CLASSES
  given = samples(6)
  logits = network.outputs(network.start(given.inputs), network.initial)
  assert logits.shape == (6, CLASSES)
  (outputs,) = ExactNetwork(again).run_bytes([given.inputs])
  assert outputs.shape == (6, CLASSES)  # of the softmax
  layer = network.layers[max(network.layers)]
  assert np.abs(layer.initial.weights).max() < 20  # room to grow
  assert not layer.initial.bias.any()


def test_new_head_of_a_pointwise_convolution():
  b = ModelBuilder(1)
  x = b.input((1, 8, 8, 2))
  x = b.conv(x, 6, kernel=3, stride=2, activation='RELU6')
  x = b.mean(x, axes=(1, 2), keep_dims=True)
  x = b.conv(x, 3, kernel=1)
  b.output(b.softmax(b.reshape(x, (1, 3))))
  model = replaced_head(b.model(), CLASSES, samples(16))
  network = Network(parse_model(serialize_model(model)))
  logits = network.outputs(network.start(samples(4).inputs), network.initial)
  assert logits.shape == (4, CLASSES)


def test_head_that_cannot_be_replaced():
  b = ModelBuilder(1)
  b.output(b.conv(b.input((1, 8, 8, 2)), 6, kernel=3))
  with pytest.raises(TflmPatchError, match='the last layer is CONV_2D 0'):
    replaced_head(b.model(), CLASSES, samples(8))
  with pytest.raises(TflmPatchError, match='2 or more'):
    replaced_head(small(), 1, samples(8))


def test_nothing_to_train():
  b = ModelBuilder(1)
  b.output(b.max_pool(b.input((1, 8, 8, 2)), kernel=2))
  with pytest.raises(TflmPatchError, match='no layer that can be trained'):
    Network(b.model())


def test_channels_are_those_of_the_longest_weights(space):
  layer = space.network.layers[space.layers[2]]
  norms = layer.channel_norms()
  chosen = largest_channels(layer, 0.25)
  assert len(chosen) == 2
  assert set(chosen) == set(np.argsort(norms)[-2:].tolist())
  assert largest_channels(layer, 1.0) == tuple(range(8))
  assert largest_channels(layer, 0.0) == ()


def test_search_fills_the_memory_with_what_is_worth_most(space):
  middle = space.layers[2]
  values = {(k, r): (10.0 if k == middle else 1.0) * r for k in space.layers for r in space.ratios}
  contributions = Contributions(dict.fromkeys(space.layers, 0.1), values)
  everything = parameters(space.last_layers(len(space.layers)), space)

  def memory(scheme):
    return parameters(scheme, space)

  whole = Search(space, memory, everything).best(contributions)[0]
  assert whole.choice == Choice(4, dict.fromkeys(space.layers[:3], 1.0))
  limit = memory(space.scheme(Choice(2, {middle: 0.5})))
  tight = Search(space, memory, limit).best(contributions)
  assert all(each.memory <= limit for each in tight)
  assert tight[0].choice == Choice(2, {middle: 0.5})
  assert [each.value for each in tight] == sorted((e.value for e in tight), reverse=True)


def test_what_only_the_bound_holds_is_left_out(space):
  values = {(k, r): r * k for k in space.layers for r in space.ratios}
  contributions = Contributions(dict.fromkeys(space.layers, 0.1), values)

  def memory(scheme):
    return parameters(scheme, space)

  limit = memory(space.scheme(Choice(3, {space.layers[2]: 0.5})))
  search = Search(space, memory, limit, lambda scheme: memory(scheme) // 2)
  found = search.best(contributions)
  assert found and all(memory(each.scheme) == each.memory <= limit for each in found)


def test_least_memory_is_told(space):
  least = parameters(space.least(), space)
  search = Search(space, lambda scheme: parameters(scheme, space), least - 1)
  with pytest.raises(TflmPatchError, match=f'the least are {least:,} bytes, which train the new'):
    search.deepest()


def layers_of(scheme):
  return float(len(scheme.updates))


def test_a_step_takes_no_longer_than_it_may(space):
  values = {(k, r): r for k in space.layers for r in space.ratios}
  contributions = Contributions(dict.fromkeys(space.layers, 0.1), values)
  for most, deepest in ((1.0, 1), (2.5, 2), (None, 3)):
    search = Search(space, lambda scheme: 1, 2, step=StepLimit(layers_of, most))
    assert search.deepest() == deepest
    assert max(len(each.scheme.updates) for each in search.best(contributions)) == deepest


def test_the_shortest_step_is_told(space):
  search = Search(space, lambda scheme: 1, 2, step=StepLimit(lambda scheme: 3.25, 2.0))
  with pytest.raises(TflmPatchError, match=r'the least takes 3\.25, .* give --max-step 3\.2'):
    search.deepest()
  unlimited = Search(space, lambda scheme: 1, 2, step=StepLimit(lambda scheme: 3.25))
  assert unlimited.deepest() == len(space.layers)


def test_fisher_information_is_of_squared_gradients(space):
  given = samples(12)
  found = fisher(space, given, space.network.initial, space.layers[0])
  assert set(found.bias) == set(space.layers)
  assert all(value > 0 for value in found.bias.values())
  for index in space.layers:
    values = [found.weights[index, ratio] for ratio in RATIOS[1:]]
    assert values == sorted(values) and values[-1] > 0
  once = fisher(space, given.chosen(np.arange(6)), space.network.initial, space.layers[0])
  rest = fisher(space, given.chosen(np.arange(6, 12)), space.network.initial, space.layers[0])
  for index in space.layers:
    mean = (once.bias[index] + rest.bias[index]) / 2
    assert found.bias[index] == pytest.approx(mean, rel=1e-4)


def test_contributions_are_gains_over_the_last_layer_alone(space):
  train, held_out = divided(samples(48), 0.25, 1)
  options = LearningOptions(rate=0.05, epochs=1, accumulation=4)
  found = contribution(space, train, held_out, space.network.initial, space.layers[2], options)
  assert set(found.bias) == set(space.layers[2:])
  assert found.weights[space.layers[-1], 1.0] == found.bias[space.layers[-1]] == 0.0
  assert len({round(value, 9) for value in found.weights.values()}) > 1


@pytest.mark.parametrize(
  'analysis', [Analysis.FISHER, pytest.param(Analysis.CONTRIBUTION, marks=pytest.mark.slow)]
)
def test_adaptation_learns_within_its_memory(analysis):
  train, test = samples(48), samples(40, seed=9)
  options = AdaptOptions(
    memory=3000, classes=CLASSES, epochs=6, finalists=2, analysis=analysis, max_step=20.0
  )
  found = adapt(small(), train, test, options)
  assert found.memory.total <= 3000
  assert found.learned.last.accuracy > 0.7 > found.learned.curve[0].accuracy
  assert found.learned.last.step == 48 * 6
  assert found.scheme.updates[-1].input_channels == tuple(range(8))
  assert found.instructions.step > found.instructions.inference


@pytest.mark.parametrize(
  ('changed', 'reason'),
  [
    ({'targets': np.full(48, 7)}, 'label 7 is out of range: the model has 4 classes'),
    ({'inputs': np.zeros((48, 5, 5, 2), np.int8)}, r'samples are \[5, 5, 2\]; the model takes'),
    ({'inputs': np.zeros((0, 8, 8, 2), np.int8), 'targets': np.zeros(0, int)}, 'no samples'),
    ({'targets': np.zeros(7, int)}, '48 inputs have 7 labels'),
  ],
)
def test_samples_that_do_not_fit(changed, reason):
  given = samples(48)
  wrong = Samples(changed.get('inputs', given.inputs), changed.get('targets', given.targets))
  with pytest.raises(TflmPatchError, match=reason):
    Adapter(small(), wrong, AdaptOptions(memory=1 << 16, classes=CLASSES))
