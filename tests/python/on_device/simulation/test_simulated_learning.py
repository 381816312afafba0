# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The simulation learns what the chip learns."""

import dataclasses
import sys

import numpy as np
import pytest
from support import learning, learning_models

from tflm_patch.errors import TflmPatchError
from tflm_patch.on_device.device_reference import DeviceReference
from tflm_patch.on_device.memory import TrainingPlanner
from tflm_patch.on_device.options import TrainingOptions
from tflm_patch.on_device.scheme import LayerUpdate, Loss, Scheme
from tflm_patch.on_device.simulation.data import Samples
from tflm_patch.on_device.simulation.layers import Wanted
from tflm_patch.on_device.simulation.learning import LearningOptions, learn, prepare
from tflm_patch.on_device.simulation.losses import LOSSES
from tflm_patch.on_device.simulation.network import Network
from tflm_patch.on_device.simulation.state import with_state
from tflm_patch.on_device.simulation.threads import one_thread
from tflm_patch.on_device.simulation.updates import (
  Chance,
  Scaling,
  bias_steps,
  rounded,
  updated,
  weight_steps,
)
from tflm_patch.quantization.exact import ExactNetwork

RATE = 0.05


def samples_of(network, count, seed=0):
  main = network.model.main
  rng = np.random.default_rng(seed)
  shape = main.tensors[main.inputs[0]].shape[1:]
  inputs = rng.integers(-128, 128, (count, *shape), np.int8)
  return Samples(inputs, rng.integers(0, network.classes, count))


@pytest.fixture(scope='module')
def model():
  return learning_models.every_operator()


@pytest.fixture(scope='module')
def network(model):
  return Network(model)


@pytest.mark.parametrize('seed', range(4))
def test_forward_bytes_are_those_of_tflm(seed):
  network = Network(learning_models.every_operator(seed))
  samples = samples_of(network, 5, seed)
  boundary = network.start(samples.inputs)
  logits = network.outputs(boundary, network.initial)
  main = network.model.main
  shown = dataclasses.replace(main, operators=main.operators[:-1], outputs=(network.logits,))
  model = dataclasses.replace(network.model, subgraphs=[shown])
  (expected,) = ExactNetwork(model).run_bytes([samples.inputs])
  assert np.array_equal(logits, expected.reshape(5, -1))
  assert len(np.unique(logits)) > 3


def test_frozen_part_is_computed_once(network):
  samples = samples_of(network, 3)
  start = network.start(samples.inputs)
  whole = network.outputs(start, network.initial)
  for first in network.trainable():
    boundary = network.advance(start, first)
    assert np.array_equal(network.outputs(boundary, network.initial), whole)


@pytest.mark.parametrize(('first', 'step', 'samples'), [(0, 1, 1), (1, 3, 2), (4, 2, 3), (6, 1, 4)])
def test_weights_are_those_of_the_device(first, step, samples):
  """After an update; sums in another order may round another way once in a while."""
  model = learning_models.every_operator(seed=first + 5)
  scheme = learning_models.scheme_of(model, first, step)
  training = TrainingOptions(samples=samples, seed=7)
  reference = DeviceReference(TrainingPlanner(model, training).work(scheme), training, RATE)
  network = Network(model)
  options = LearningOptions(
    rate=RATE, epochs=1, accumulation=samples, decays=False, seed=training.seed
  )
  given = samples_of(network, samples)
  order = np.random.default_rng((training.seed, 0)).permutation(len(given))
  for sample in order:
    image, label = given.inputs[sample : sample + 1], given.targets[sample]
    reference.learn(learning.values_of(reference, image), label)
  prepared = prepare(network, given, scheme.first)
  state = learn(network, scheme, prepared, prepared, options).state
  moved = other = total = 0
  names = [each.operator for each in scheme.updates]
  for operator, index in zip(names, reference.weights):
    wanted, found = reference.weights[index].astype(int), state[operator].weights.astype(int)
    moved += np.sum(wanted != network.layers[operator].initial.weights)
    other += np.sum(wanted != found)
    total += wanted.size
    assert np.abs(wanted - found).max() <= 1
  assert moved > total / 50
  assert other <= total / 500


def test_gradients_by_differences_of_the_loss():
  """Of biases of the last layer; one integer of them moves a logit by a part of its scale."""
  network = Network(learning_models.every_operator(2))
  samples = samples_of(network, 4)
  index = network.trainable()[-1]
  layer, state = network.layers[index], network.initial
  trace = network.forward(network.start(samples.inputs), state)
  logits = network.real(trace.logits)
  losses, gradient = LOSSES[Loss.CROSS_ENTROPY](logits, samples.targets)
  integers = (gradient * network.logit_scale).astype(np.float32)
  found = network.backward(trace, integers, state, {index: Wanted(bias=True)})[index].bias
  inside = (trace.logits > -128) & (trace.logits < 127)
  for output in range(network.classes):
    step = 1e-4
    moved = logits.copy()
    moved[:, output] += step * inside[:, output]
    after, _ = LOSSES[Loss.CROSS_ENTROPY](moved, samples.targets)
    bias_scale = layer.weight_scales[output] * layer.input_scale
    difference = (after - losses).sum() / step * bias_scale
    assert found[output] == pytest.approx(difference, rel=1e-2, abs=1e-9)


def test_a_quantization_aware_step_is_one_of_gradient_descent(network):
  """Before rounding: in real terms, weights and biases move by -rate * dL/dW."""
  samples = samples_of(network, 6)
  for index in (network.trainable()[1], network.trainable()[-1]):
    layer, state = network.layers[index], network.initial
    trace = network.forward(network.start(samples.inputs), state)
    _, gradient = LOSSES[Loss.CROSS_ENTROPY](network.real(trace.logits), samples.targets)
    integers = (gradient * network.logit_scale).astype(np.float32)
    channels = tuple(range(layer.channels))
    found = network.backward(trace, integers, state, {index: Wanted(channels, True)})[index]
    shape = [1] * found.weights.ndim
    shape[layer.out_axis] = -1
    scales = layer.weight_scales.reshape(shape)
    real_gradient = found.weights / scales  # dL/dW, as W = s_w * w
    moves = weight_steps(layer, found.weights, RATE, Scaling.QUANTIZATION_AWARE)
    assert np.allclose(moves * scales, -RATE * real_gradient, rtol=1e-5, atol=0)
    bias_scale = layer.weight_scales * layer.input_scale
    moves = bias_steps(layer, found.bias, RATE, Scaling.QUANTIZATION_AWARE)
    assert np.allclose(moves * bias_scale, -RATE * found.bias / bias_scale, rtol=1e-5, atol=0)
    plain = weight_steps(layer, found.weights, RATE, Scaling.NONE)
    assert not np.allclose(
      plain, weight_steps(layer, found.weights, RATE, Scaling.QUANTIZATION_AWARE)
    )


def test_stochastic_rounding_is_unbiased_and_repeats():
  moves = np.full(20000, 0.3)
  first, again = (rounded(moves, Chance(5)) for _ in range(2))
  assert np.array_equal(first, again)
  assert set(np.unique(first)) == {0.0, 1.0}
  assert first.mean() == pytest.approx(0.3, abs=0.01)
  later = Chance(5)
  later.advance(20000)
  assert not np.array_equal(first, rounded(moves, later))
  assert np.array_equal(rounded(np.array([-0.6, 0.4]), None), [-1, 0])


def test_only_what_the_scheme_says_changes(network):
  index = network.trainable()[-2]
  update = LayerUpdate(index, False, (1, 3))
  samples = samples_of(network, 8)
  prepared = prepare(network, samples, index)
  options = LearningOptions(rate=0.5, epochs=4, accumulation=4)
  state = learn(network, Scheme((update,)), prepared, prepared, options).state
  before, after = network.layers[index].initial, state[index]
  changed = np.flatnonzero((before.weights != after.weights).any(axis=0))
  assert set(changed) == {1, 3}
  assert np.array_equal(before.bias, after.bias)
  others = [each for each in network.layers if each != index]
  assert all(np.array_equal(network.initial[k].weights, state[k].weights) for k in others)


def test_loss_falls(network):
  samples = samples_of(network, 12)
  index = network.trainable()[-1]
  scheme = Scheme((LayerUpdate(index, True, tuple(range(network.layers[index].channels))),))
  prepared = prepare(network, samples, index)
  options = LearningOptions(rate=0.02, epochs=30, accumulation=4)
  learned = learn(network, scheme, prepared, prepared, options)
  assert learned.last.loss < 0.9 * learned.curve[0].loss
  assert learned.last.step == options.updates(12) == 90
  assert learned.last.samples == 360


def test_learned_state_as_a_model(model, network):
  samples = samples_of(network, 4)
  index = network.trainable()[-1]
  scheme = Scheme((LayerUpdate(index, True, (0, 1)),))
  prepared = prepare(network, samples, index)
  state = learn(
    network, scheme, prepared, prepared, LearningOptions(epochs=3, accumulation=2)
  ).state
  other = Network(with_state(model, state))
  boundary = other.start(samples.inputs)
  assert np.array_equal(other.outputs(boundary, other.initial), network.outputs(boundary, state))
  assert not np.array_equal(other.initial[index].weights, network.initial[index].weights)


def test_large_steps_stay_within_int8(network):
  index = network.trainable()[-1]
  layer = network.layers[index]
  update = LayerUpdate(index, True, tuple(range(layer.channels)))
  trace = network.forward(network.start(samples_of(network, 2).inputs), network.initial)
  gradient = np.ones((2, network.classes), np.float32) * 100
  wanted = {index: Wanted(update.input_channels, True)}
  found = network.backward(trace, gradient, network.initial, wanted)[index]
  after = updated(layer, layer.initial, update, found, 1e6)
  assert np.all((after.weights >= -127) | (after.weights == layer.initial.weights))
  assert np.abs(after.bias.astype(np.int64)).max() <= 1 << 30


@pytest.mark.parametrize(
  ('scheme', 'reason'),
  [
    (Scheme((LayerUpdate(999, True),)), 'operator 999 cannot be trained'),
    (Scheme((LayerUpdate(0, True, (77,)),)), 'has 3 input channels'),
  ],
)
def test_bad_schemes(network, scheme, reason):
  prepared = prepare(network, samples_of(network, 4), 0)
  with pytest.raises(TflmPatchError, match=reason):
    learn(network, scheme, prepared, prepared)


@pytest.mark.parametrize(('label', 'reason'), [(5, 'label 5 is out'), (-1, 'label -1 is out')])
def test_bad_labels(network, label, reason):
  samples = samples_of(network, 4)
  samples.targets[2] = label
  index = network.trainable()[-1]
  prepared = prepare(network, samples, index)
  with pytest.raises(TflmPatchError, match=reason):
    learn(network, Scheme((LayerUpdate(index, True),)), prepared, prepared)


def test_products_run_on_one_thread():
  threadpoolctl = pytest.importorskip('threadpoolctl')

  def threads():
    found = threadpoolctl.threadpool_info()
    return {each['num_threads'] for each in found if each['user_api'] == 'blas'}

  before = threads()
  with one_thread():
    assert threads() == {1}
  assert threads() == before


def test_without_threadpoolctl(monkeypatch):
  monkeypatch.setitem(sys.modules, 'threadpoolctl', None)
  with one_thread():
    pass
