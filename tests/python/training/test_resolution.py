# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Training with small images first."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.training import TrainOptions, resolution

pytest.importorskip('keras')
pytestmark = pytest.mark.slow


def test_scales_grow_to_whole_images() -> None:
  scales = [resolution.scale_at(each / 10, 0.5) for each in range(11)]
  assert scales == sorted(scales)
  assert scales[0] == 0.5 and scales[5] == 0.75 and scales[7:] == [1.0] * 4
  assert {resolution.scale_at(each / 10, 1.0) for each in range(11)} == {1.0}


def test_any_size_shares_every_weight() -> None:
  from keras import ops

  from tflm_patch import models

  model = models.build('in16x16x3 conv3_s2_c4 ir_k3_e2_c4_se0.25 fc3')
  flexible = resolution.any_size(model)
  assert [id(each) for each in flexible.variables] == [id(each) for each in model.variables]
  images = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype('float32')
  np.testing.assert_array_equal(
    ops.convert_to_numpy(flexible(images)), ops.convert_to_numpy(model(images))
  )
  assert flexible(resolution.resized(images, 0.625)).shape == (2, 3)


def test_resized_keeps_means_and_gives_even_sides() -> None:
  from keras import ops

  images = np.full((1, 30, 20, 1), 0.25, 'float32')
  small = ops.convert_to_numpy(resolution.resized(images, 0.5))
  assert small.shape == (1, 16, 10, 1)
  np.testing.assert_allclose(small, 0.25, atol=1e-6)
  assert resolution.resized(images, 1.0) is images


def test_a_flattened_map_is_refused_with_the_reason() -> None:
  import keras

  model = keras.Sequential(
    [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)], name='flat'
  )
  with pytest.raises(TflmPatchError, match='start_scale: flat takes images of one size only'):
    resolution.any_size(model)


@pytest.mark.parametrize('value', [0, -1, 1.5])
def test_a_start_scale_that_means_nothing(value: float) -> None:
  with pytest.raises(TflmPatchError, match='start_scale is'):
    TrainOptions(start_scale=value)
