# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What inherits weights, and what trains, needs Keras and one of its backends."""

import numpy as np
import pytest

from tflm_patch.errors import EnvironmentMissing


@pytest.fixture(scope='session')
def keras():
  """Keras; skips where it is absent."""
  from tflm_patch.quantization.model_io import require_keras

  try:
    module = require_keras()
  except EnvironmentMissing as error:
    pytest.skip(str(error))
  module.utils.set_random_seed(7)
  return module


@pytest.fixture(scope='session')
def small_model(keras):
  """Makes a compiled model for images of 8x8x1, 4 classes."""

  def make(hidden=6, compiled=True):
    layers = keras.layers
    source = keras.Input((8, 8, 1), name='image')
    x = layers.Conv2D(hidden, 3, strides=2, padding='same', use_bias=False, name='stem')(source)
    x = layers.BatchNormalization(name='stem_norm')(x)
    x = layers.ReLU(name='stem_relu')(x)
    x = layers.Conv2D(hidden, 3, padding='same', activation='relu', name='second')(x)
    x = layers.GlobalAveragePooling2D(name='mean')(x)
    model = keras.Model(source, layers.Dense(4, name='classes')(x), name='small')
    if compiled:
      loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
      model.compile('adam', loss, metrics=['accuracy'], jit_compile=False)
    return model

  return make


@pytest.fixture(scope='session')
def quarters():
  """float32[96, 8, 8, 1] and the bright quarter of each, [96]."""
  rng = np.random.default_rng(0)
  labels = rng.integers(0, 4, 96)
  images = rng.uniform(0, 0.5, (96, 8, 8, 1)).astype(np.float32)
  for image, label in zip(images, labels):
    row, col = 4 * (label // 2), 4 * (label % 2)
    image[row : row + 4, col : col + 4] += 0.5
  return images, labels
