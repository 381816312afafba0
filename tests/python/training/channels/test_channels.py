# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Channels that go together: found in the network, removed from the Keras model."""

from __future__ import annotations

import numpy as np
import pytest
from support.keras_models import randomize

from tflm_patch.quantization.capture import capture


@pytest.fixture(scope='module')
def many_layers(keras):
  """Residual, gate, depthwise, separable, concatenation, a nested model, flattening."""
  layers = keras.layers
  source = keras.Input((8, 8, 3))
  x = layers.Conv2D(8, 3, padding='same', use_bias=False, name='stem')(source)
  x = layers.ReLU(6.0)(layers.BatchNormalization(name='stem_norm')(x))
  y = layers.Conv2D(12, 1, use_bias=False, name='expand')(x)
  y = layers.Activation('hard_silu')(layers.BatchNormalization(name='expand_norm')(y))
  y = layers.DepthwiseConv2D(3, padding='same', activation='relu', name='depthwise')(y)
  z = layers.Reshape((1, 1, 12))(layers.GlobalAveragePooling2D()(y))
  z = layers.Conv2D(12, 1, activation='sigmoid', name='gate')(z)
  y = layers.Conv2D(8, 1, name='project')(layers.Multiply()([y, z]))
  x = layers.Add()([x, y])
  a = layers.SeparableConv2D(6, 3, padding='same', activation='relu', name='separable')(x)
  b = layers.Conv2D(5, 1, activation='tanh', name='branch')(layers.MaxPooling2D(3, 1, 'same')(x))
  inner = keras.Sequential(
    [
      keras.Input((8, 8, 11)),
      layers.Conv2D(7, 3, strides=4, activation='relu', name='stem'),
      layers.PReLU(shared_axes=(1, 2)),
    ],
    name='inner',
  )
  x = layers.Flatten()(inner(layers.Concatenate()([a, b])))
  x = layers.Dense(10, activation='relu', name='hidden')(x)
  return randomize(keras.Model(source, layers.Dense(3, name='classes')(x), name='many'))


@pytest.fixture(scope='module')
def channels(many_layers):
  from tflm_patch.training.channels.model_channels import ModelChannels

  return ModelChannels(many_layers)


def test_groups_are_what_goes_together(channels):
  assert {group.name: len(group.atoms) for group in channels.groups} == {
    'stem, project': 8,
    'expand, gate': 12,
    'separable': 6,
    'branch': 5,
    'inner/stem': 7,
    'hidden': 10,
  }


def test_removed_channels_change_nothing_that_masked_ones_leave(keras, many_layers, channels):
  from tflm_patch.training.channels.rebuild import without
  from tflm_patch.training.channels.shrink import shrunk
  from tflm_patch.training.measure import signature
  from tflm_patch.training.pruning.masks import Masks

  rng = np.random.default_rng(0)
  gone = {int(atom) for group in channels.groups for atom in rng.choice(group.atoms, 3, False)}
  small = without(many_layers, channels, gone)
  images = rng.normal(size=(2, 8, 8, 3)).astype(np.float32)
  whole = keras.ops.convert_to_numpy(many_layers(images))
  masks = Masks(channels)
  masks.apply(gone)
  masked = keras.ops.convert_to_numpy(many_layers(images))
  masks.restore()
  assert np.array_equal(whole, keras.ops.convert_to_numpy(many_layers(images)))
  assert not np.allclose(whole, masked, atol=1e-3)
  assert np.allclose(masked, keras.ops.convert_to_numpy(small(images)), atol=1e-5)
  assert small.count_params() < many_layers.count_params()
  assert signature(shrunk(channels, gone)) == signature(capture(small))


def test_norms_are_those_of_the_filters(keras, many_layers, channels):
  norms = channels.norms()
  group = next(group for group in channels.groups if group.name == 'hidden')
  kernel = keras.ops.convert_to_numpy(many_layers.get_layer('hidden').kernel)
  squares = (kernel**2).sum(axis=0)
  assert np.allclose([norms[atom] for atom in group.atoms], squares / squares.sum())
  # Of layers that are added it is the mean, with the scale of the normalization.
  group = next(group for group in channels.groups if group.name == 'stem, project')
  stem = many_layers.get_layer('stem_norm')
  gamma, variance = map(keras.ops.convert_to_numpy, (stem.gamma, stem.moving_variance))
  kernels = [
    (keras.ops.convert_to_numpy(many_layers.get_layer(name).kernel) ** 2).sum(axis=(0, 1, 2))
    for name in ('stem', 'project')
  ]
  kernels[0] = kernels[0] * gamma**2 / (variance + stem.epsilon)
  expected = np.mean([each / each.sum() for each in kernels], axis=0)
  assert np.allclose([norms[atom] for atom in group.atoms], expected, rtol=1e-4)


def test_what_has_to_stay(keras):
  from tflm_patch.training.channels.model_channels import ModelChannels

  layers = keras.layers
  source = keras.Input((4, 4, 2))
  x = layers.Conv2D(4, 1, name='grouped_input')(source)
  x = layers.Conv2D(4, 1, groups=2, name='groups')(x)
  x = layers.Conv2D(4, 1, name='free')(x)
  x = layers.Conv2D(4, 1, activation='sigmoid', name='sigmoid')(x)
  x = layers.Conv2D(4, 1, use_bias=False, name='unscaled')(x)
  x = layers.BatchNormalization(scale=False)(x)
  x = layers.Conv2D(4, 1, name='permuted')(x)
  x = layers.Permute((3, 1, 2))(x)
  x = layers.Conv2D(4, 1, name='shifted')(x)
  x = layers.Conv2D(4, 1, name='output')(x + 1.0)
  names = [group.name for group in ModelChannels(keras.Model(source, x)).groups]
  assert names == ['free']


def test_layers_that_are_called_twice(keras):
  from tflm_patch.training.channels.model_channels import ModelChannels
  from tflm_patch.training.channels.rebuild import without

  layers = keras.layers
  first, second = keras.Input((4, 4, 2)), keras.Input((4, 4, 2))
  shared = layers.Conv2D(6, 3, activation='relu', name='shared')
  x = layers.Add()([shared(first), shared(second)])
  model = keras.Model([first, second], layers.Conv2D(2, 1, name='output')(x))
  channels = ModelChannels(model)
  (group,) = channels.groups
  assert len(group.atoms) == 6
  small = without(model, channels, set(group.atoms[:4]))
  assert small.get_layer('shared').filters == 2
  images = [np.ones((1, 4, 4, 2), np.float32), np.zeros((1, 4, 4, 2), np.float32)]
  assert small(images).shape == (1, 2, 2, 2)
