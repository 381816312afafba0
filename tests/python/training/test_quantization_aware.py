# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Training with fake quantization, and the int8 model that it becomes."""

import numpy as np
import pytest
from support import keras_models

from tflm_patch.errors import TflmPatchError
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.training import QuantizationAware, QuantizationAwareOptions, RangeMode


def _net(x):
  from keras import layers

  x = layers.Rescaling(1 / 8)(x)
  x = layers.Conv2D(6, 3, 2, 'same', use_bias=False)(x)
  x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
  y = layers.DepthwiseConv2D(3, padding='same', use_bias=False)(x)
  y = layers.ReLU()(layers.BatchNormalization()(y))
  y = layers.Dropout(0.1)(layers.Conv2D(6, 1)(y))
  x = layers.MaxPooling2D()(layers.Add()([x, y]))
  x = layers.GlobalAveragePooling2D()(layers.Activation('hard_silu')(x))
  return layers.Dense(4, activation='softmax')(x)


def _data(count=96):
  rng = np.random.default_rng(3)
  labels = rng.integers(0, 4, count)
  prototypes = rng.uniform(0, 16, (4, 12, 12, 1))
  images = prototypes[labels] + rng.normal(0, 4, (count, 12, 12, 1))
  return images.clip(0, 16).astype(np.float32), labels


@pytest.fixture(scope='module')
def trained(keras):
  """A small model after an epoch with moving ranges and one with frozen ranges."""
  images, labels = _data()
  model = keras_models.functional((12, 12, 1), _net)
  before = [keras.ops.convert_to_numpy(each) for each in model.trainable_variables]
  aware = QuantizationAware(model, images[:32], QuantizationAwareOptions(momentum=0.9))
  aware.model.compile(
    keras.optimizers.Adam(0.02),
    'sparse_categorical_crossentropy',
    jit_compile=keras.backend.backend() == 'jax',
  )
  history = aware.model.fit(images, labels, 32, epochs=2, verbose=0, callbacks=[aware])
  return aware, before, history.history['loss']


def test_training_lowers_the_loss_and_moves_the_variables_of_the_model(keras, trained):
  aware, before, losses = trained
  assert losses[1] < losses[0]
  after = [keras.ops.convert_to_numpy(each) for each in aware.original.trainable_variables]
  assert all(np.any(a != b) for a, b in zip(before, after))
  assert len(aware.model.trainable_variables) == len(before)


def test_bytes_of_both_modes_equal_tflm(trained):
  aware, _, _ = trained
  images, _ = _data(32)
  result = aware.quantize()
  main = result.model.main
  source, target = main.tensors[main.inputs[0]], main.tensors[main.outputs[0]]
  interpreter = Interpreter(result.data)
  inputs = keras_models.to_steps(images, source)
  wanted = np.concatenate([interpreter.invoke([each[None]])[0] for each in inputs])
  exact = aware.exact().run_bytes([inputs])[0]
  np.testing.assert_array_equal(exact.reshape(wanted.shape), wanted)
  predicted = aware.model.predict(images, verbose=0)
  found = keras_models.to_steps(predicted, target)
  assert np.mean(found == wanted) >= 0.999


def test_constants_follow_their_variables(keras):
  def build(x):
    return keras.layers.PReLU(shared_axes=[1, 2])(x)

  model = keras_models.functional((4, 4, 3), build)
  samples = keras_models.random_samples(model, 8)[0]
  aware = QuantizationAware(model, samples)
  alpha = model.layers[-1].alpha
  alpha.assign(0.5 * alpha)
  slopes = [each for each in aware.quantize().model.main.tensors if each.name.endswith('slopes')]
  found = keras_models.to_real(slopes[0].array(), slopes[0])
  np.testing.assert_allclose(found.reshape(-1), alpha.numpy().reshape(-1), atol=0.01)


@pytest.mark.parametrize('kernel, channels', [(3, 128), (1, 1280)])
def test_extreme_weights(keras, kernel, channels):
  """Sums beyond 2^24, which float32 alone does not hold."""

  def build(x):
    return keras.layers.Conv2D(4, kernel, padding='same')(x)

  model = keras_models.functional((3, 3, channels), build)
  layer = model.layers[-1]
  rng = np.random.default_rng(channels)
  weights = rng.uniform(0.9, 1, layer.kernel.shape) * np.array([1, -1, 1, 1])
  weights[..., 3] *= rng.choice([-1, 1], weights.shape[:-1])
  layer.kernel.assign(weights)
  samples = rng.choice([-1, 1], (8, 3, 3, channels)).astype(np.float32)
  samples[:2] = np.array([1, -1])[:, None, None, None]
  aware = QuantizationAware(model, samples)
  result = aware.quantize()
  source, target = (result.model.main.tensors[k[0]] for k in _ends(result.model))
  interpreter = Interpreter(result.data)
  inputs = keras_models.to_steps(samples, source)
  wanted = np.concatenate([interpreter.invoke([each[None]])[0] for each in inputs])
  np.testing.assert_array_equal(aware.exact().run_bytes([inputs])[0], wanted)
  found = keras_models.to_steps(keras.ops.convert_to_numpy(aware.layer(samples)), target)
  np.testing.assert_array_equal(found, wanted)


def _ends(model):
  return model.main.inputs, model.main.outputs


def test_learned_ranges_move_and_those_of_inputs_stay(keras):
  images, labels = _data(32)

  def build(x):
    x = keras.layers.Conv2D(4, 3, 2, activation='relu')(x)
    return keras.layers.Dense(4)(keras.layers.Flatten()(x))

  model = keras_models.functional((12, 12, 1), build)
  options = QuantizationAwareOptions(ranges=RangeMode.LEARNED)
  aware = QuantizationAware(model, images, options)
  before = keras.ops.convert_to_numpy(aware.layer.ranges)
  aware.model.compile(
    keras.optimizers.SGD(1.0),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    jit_compile=False,
  )
  aware.model.fit(images, labels, 32, epochs=1, verbose=0, callbacks=[aware])
  after = keras.ops.convert_to_numpy(aware.layer.ranges)
  moved = np.any(before != after, axis=1)
  assert moved.tolist() == [not each for each in aware.layer._is_input]


def test_statistics_follow_the_weights_until_they_are_frozen(keras):
  images, labels = _data(32)

  def build(x):
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, 2)(x))
    return keras.layers.Dense(4, activation='softmax')(keras.layers.Flatten()(x))

  model = keras_models.functional((12, 12, 1), build)
  aware = QuantizationAware(model, images, QuantizationAwareOptions(freeze_statistics_epoch=1))
  aware.model.compile('sgd', 'sparse_categorical_crossentropy', jit_compile=False)
  seen = [keras.ops.convert_to_numpy(model.layers[2].moving_mean)]

  def note(epoch, logs):
    seen.append(keras.ops.convert_to_numpy(model.layers[2].moving_mean))

  watch = keras.callbacks.LambdaCallback(on_epoch_end=note)
  aware.model.fit(images, labels, 32, epochs=2, verbose=0, callbacks=[aware, watch])
  assert np.any(seen[0] != seen[1]) and np.all(seen[1] == seen[2])


def test_options_are_checked():
  with pytest.raises(TflmPatchError, match='momentum'):
    QuantizationAwareOptions(momentum=1.0)
  with pytest.raises(TflmPatchError, match='freeze_ranges_step'):
    QuantizationAwareOptions(freeze_ranges_step=-1)
