# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Normalization in one kernel: what it computes is what Keras' own does."""

import numpy as np
import pytest

from tflm_patch.training.fused_normalization import fused_normalization


@pytest.fixture
def trained(keras, small_model, quarters):
  """Trains some steps, and gives the losses and all weights; `within` surrounds the steps."""
  images, labels = quarters

  def run(within):
    keras.utils.set_random_seed(3)
    model = small_model()
    model.get_layer('stem_norm').momentum = 0.6
    losses = []
    with within(model):
      for _ in range(3):
        losses.append(float(model.train_on_batch(images, labels)[0]))
    return losses, model

  return run


def test_steps_are_those_of_keras(keras, trained, quarters):
  class Unchanged:
    def __init__(self, model):
      del model

    def __enter__(self):
      return self

    def __exit__(self, *error):
      del error

  expected, plain = trained(Unchanged)
  found, fused = trained(fused_normalization)
  np.testing.assert_allclose(found, expected, rtol=1e-5)
  for one, other in zip(plain.variables, fused.variables):
    np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=2e-3, atol=2e-5, err_msg=one.path)
  images, _ = quarters
  np.testing.assert_allclose(plain(images), fused(images), rtol=1e-3, atol=1e-4)


def test_only_what_the_kernel_can_do_and_only_within(keras, small_model):
  if keras.backend.backend() != 'tensorflow':
    pytest.skip('of TensorFlow only')
  model = small_model()
  norm = model.get_layer('stem_norm')
  with fused_normalization(model):
    assert 'call' in vars(norm)
  assert 'call' not in vars(norm)
  for change in ({'axis': 1}, {'scale': False}, {'synchronized': True}):
    source = keras.Input((4, 4, 4))
    other = keras.Model(source, keras.layers.BatchNormalization(**change)(source))
    with fused_normalization(other):
      assert 'call' not in vars(other.layers[-1])
  with pytest.raises(ValueError, match='stop'), fused_normalization(model):
    raise ValueError('stop')
  assert 'call' not in vars(norm)


def test_a_frozen_layer_is_not_trained(keras, small_model, quarters):
  images, labels = quarters
  model = small_model()
  norm = model.get_layer('stem_norm')
  norm.trainable = False
  before = norm.moving_mean.numpy()
  with fused_normalization(model):
    model.train_on_batch(images, labels)
  np.testing.assert_array_equal(norm.moving_mean.numpy(), before)


def test_what_is_no_model_is_left_alone():
  with fused_normalization(object()):
    pass
