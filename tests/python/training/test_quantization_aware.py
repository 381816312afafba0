# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Training with fake quantization, and the int8 model that it becomes."""

import numpy as np
import pytest
from support import keras_models

from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.training import QuantizationAware, QuantizationAwareOptions


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
    keras.optimizers.Adam(0.02), 'sparse_categorical_crossentropy', jit_compile=False
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
