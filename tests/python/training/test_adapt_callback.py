# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`Adapt`: the chip's training, simulated while the model trains."""

import keras
import numpy as np
import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.on_device.simulation.network import Network
from tflm_patch.training import Adapt, AdaptOptions


def blobs(count, classes, seed):
  """Images whose bright quarter says the class."""
  rng = np.random.default_rng(seed)
  labels = rng.integers(0, classes, count)
  images = rng.normal(0, 0.2, (count, 8, 8, 1)).astype('float32')
  for image, label in zip(images, labels):
    image[4 * (label // 2) : 4 * (label // 2) + 4, 4 * (label % 2) : 4 * (label % 2) + 4] += 1
  return images, labels


@pytest.fixture(scope='module')
def model():
  keras.utils.set_random_seed(1)
  image = keras.Input((8, 8, 1))
  x = keras.layers.Conv2D(8, 3, 2, 'same', activation='relu')(image)
  x = keras.layers.Conv2D(8, 3, 2, 'same', activation='relu')(x)
  x = keras.layers.Flatten()(x)
  return keras.Model(image, keras.layers.Dense(2, activation='softmax')(x))


def test_learns_other_classes(model):
  train, test = blobs(48, 4, 0), blobs(40, 4, 1)
  options = AdaptOptions(memory=16 << 10, classes=4, epochs=6, finalists=1, max_step=20)
  adapt = Adapt(train, test, options, every=1)
  images, labels = blobs(32, 2, 2)
  model.compile('adam', 'sparse_categorical_crossentropy', jit_compile=False)
  history = model.fit(images, labels, epochs=1, verbose=0, callbacks=[adapt]).history
  assert history['val_adapted_accuracy'] == [adapt.curve[-1].accuracy]
  assert 0 < history['adaptation_bytes'][0] <= 16 << 10
  assert adapt.curve[-1].accuracy > 0.8 > adapt.curve[0].accuracy
  assert Network(adapt.model_int8).classes == 4
  found = adapt.scheme
  adapt.evaluate(model)
  assert adapt.scheme is found


def test_says_what_is_wrong(model):
  data = blobs(8, 4, 0)
  adapt = Adapt(data, data, AdaptOptions(memory=64, classes=4))
  with pytest.raises(TflmPatchError, match='too few to train: the least are'):
    adapt.evaluate(model)
  with pytest.raises(TflmPatchError, match='label 3 is out of range'):
    Adapt(data, data, AdaptOptions(memory=1 << 16)).evaluate(model)
