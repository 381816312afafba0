# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Layers as products: exact at full rank, taken only where the planner gains."""

from __future__ import annotations

import numpy as np
import pytest
from support.keras_models import randomize

from tflm_patch import quantize
from tflm_patch.api import convert_model
from tflm_patch.errors import TflmPatchError


@pytest.fixture(scope='module')
def schemes(keras):
  from tflm_patch.training.factorization.schemes import SCHEMES

  return SCHEMES


def outputs(keras, model, inputs):
  return keras.ops.convert_to_numpy(model(inputs))


@pytest.mark.parametrize('scheme', ['SVD', 'spatial SVD', 'Tucker-2'])
def test_full_rank_computes_the_same(keras, schemes, scheme):
  from tflm_patch.quantization.capture import capture
  from tflm_patch.quantization.passes import run_passes
  from tflm_patch.training.channels.model_channels import ModelChannels
  from tflm_patch.training.channels.shrink import shrunk
  from tflm_patch.training.factorization.replace import in_model, in_network, kernel_of, node_of
  from tflm_patch.training.measure import signature

  layers = keras.layers
  source = keras.Input((9, 7, 3))
  x = layers.Conv2D(5, 3, strides=2, padding='same', activation='relu', name='even')(source)
  x = layers.Conv2D(6, (3, 2), dilation_rate=(1, 2), padding='same', name='dilated')(x)
  x = layers.Conv2D(4, 2, name='valid')(x)
  x = layers.Conv2D(7, 1, strides=2, use_bias=False, name='point')(x)
  x = layers.Reshape((4, 7))(x)
  x = layers.Conv1D(5, 3, padding='same', name='line')(x)
  x = layers.Dense(6, activation='tanh', name='of_line')(x)
  model = randomize(
    keras.Model(source, layers.Dense(3, name='classes')(layers.Flatten()(x)), name='many')
  )
  channels = ModelChannels(model)
  replaced, numbers = {}, {}
  for use in channels.uses:
    node = node_of(use)
    kernels = None if node is None else schemes[scheme](kernel_of(node), 1.0)
    if kernels is not None:
      replaced[id(use.layer)] = (use, kernels)
      numbers[next(k for k, n in enumerate(channels.network.nodes) if n is node)] = kernels
  assert len(replaced) == (3 if scheme == 'SVD' else 4)
  made = in_model(model, replaced)
  images = np.random.default_rng(0).normal(size=(3, 9, 7, 3)).astype(np.float32)
  assert np.allclose(outputs(keras, model, images), outputs(keras, made, images), atol=1e-4)
  assert len(made.layers) == len(model.layers) + sum(len(k) - 1 for k in numbers.values())
  network = in_network(shrunk(channels, set()), numbers)
  networks = network, capture(made)
  for each in networks:
    run_passes(each)  # lines are maps between layers, or not
  assert signature(networks[0]) == signature(networks[1])


def test_ranks_keep_the_energy(schemes):
  from tflm_patch.training.factorization.schemes import rank_of

  values = np.array([3.0, 2.0, 1.0])  # 9, 13, 14 of 14
  assert [rank_of(values, energy) for energy in (0.5, 9 / 14, 0.65, 0.95, 1.0)] == [1, 1, 2, 3, 3]
  assert rank_of(np.zeros(4), 0.9) == 1
  rng = np.random.default_rng(0)
  kernel = np.einsum('hwr,io,r->hwio', rng.normal(size=(3, 3, 1)), rng.normal(size=(8, 6)), [1.0])
  kernel = kernel.astype(np.float32)
  for energy in (0.5, 0.9):
    before, core, after = schemes['Tucker-2'](kernel, energy)
    product = np.einsum('ir,hwrs,so->hwio', before[0, 0], core, after[0, 0])
    assert np.linalg.norm(product) ** 2 >= (2 * energy - 1) * np.linalg.norm(kernel) ** 2
  first, second = schemes['SVD'](kernel[:1, :1], 0.9)
  error = np.linalg.norm(first[0, 0] @ second[0, 0] - kernel[0, 0]) ** 2
  assert error <= 0.1 * np.linalg.norm(kernel[0, 0]) ** 2 and first.shape[3] < 6


def low_rank_model(keras):
  """Two layers of rank 2, and one whose product needs more."""
  layers = keras.layers
  source = keras.Input((8, 8, 4))
  x = layers.Conv2D(32, 3, padding='same', activation='relu', name='low')(source)
  x = layers.GlobalAveragePooling2D()(x)
  x = layers.Dense(48, activation='relu', name='wide')(x)
  model = keras.Model(source, layers.Dense(3, name='classes')(x))
  rng = np.random.default_rng(0)
  points, inputs = rng.normal(size=(3, 3, 2, 2)), rng.normal(size=(2, 4))
  kernel = np.einsum('hwrs,ri,so->hwio', points, inputs, rng.normal(size=(2, 32)))
  model.get_layer('low').kernel.assign(kernel)
  model.get_layer('wide').kernel.assign(rng.normal(size=(32, 2)) @ rng.normal(size=(2, 48)))
  return model


def test_products_are_taken_where_the_planner_gains(keras):
  from tflm_patch.training import FactorizeOptions, factorize, footprint

  model = low_rank_model(keras)
  found = factorize(model, FactorizeOptions(energy=0.9999))
  assert set(found.layers) == {'low', 'wide'} and found.layers['wide'] == 'SVD 2'
  assert found.before == footprint(model)
  assert found.after.flash < found.before.flash and found.after.arena <= found.before.arena
  images = np.random.default_rng(1).normal(size=(8, 8, 8, 4)).astype(np.float32)
  wanted = outputs(keras, model, images)
  assert np.allclose(outputs(keras, found.model, images), wanted, atol=1e-3 * abs(wanted).max())
  converted = convert_model(quantize(randomize(found.model), images).data)
  assert found.after.arena == converted.converted_arena.total
  assert found.after.flash == converted.converted_bytes


def test_nothing_is_taken_that_gains_nothing(keras):
  from tflm_patch.training import FactorizeOptions, factorize

  model = randomize(low_rank_model(keras))
  for layer in ('low', 'wide'):
    kernel = model.get_layer(layer).kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape))
  found = factorize(model, FactorizeOptions(energy=1.0, minimize='instructions'))
  assert found.layers == {} and found.after == found.before
  assert [each.name for each in found.model.layers] == [each.name for each in model.layers]


def test_callback(keras, small_model, quarters):
  from tflm_patch.training import FactorizeOptions, LowRankFactorization

  model = small_model(24)
  low_rank = LowRankFactorization(FactorizeOptions(energy=0.5))
  with pytest.raises(TflmPatchError, match='nothing is factored yet'):
    _ = low_rank.factorized_model
  model.fit(*quarters, epochs=1, verbose=0, callbacks=[low_rank])
  assert 'second' in low_rank.result.layers
  small = low_rank.factorized_model
  assert small.count_params() < model.count_params()
  before = small.get_weights()
  small.fit(*quarters, epochs=1, verbose=0)  # compiled, and to be trained on
  assert not all(np.array_equal(*pair) for pair in zip(before, small.get_weights()))


@pytest.mark.parametrize(
  ('arguments', 'message'), [({'energy': 0}, 'not above 0'), ({'minimize': 'size'}, 'use arena')]
)
def test_bad_options(keras, arguments, message):
  from tflm_patch.training import FactorizeOptions

  with pytest.raises(TflmPatchError, match=message):
    FactorizeOptions(**arguments)
