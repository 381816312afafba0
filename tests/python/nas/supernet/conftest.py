# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A space that has everything that is elastic, and images to learn."""

import numpy as np
import pytest

from tflm_patch import nas
from tflm_patch.errors import EnvironmentMissing

SPACE = nas.space_from_json(
  {
    'name': 'little',
    'inputs': [[8, 8, 1], [12, 12, 1]],
    'widths': [0.5, 1.0],
    'stem': ['conv3_s2_c8', 'ir_k3_e1_c8'],
    'stages': [
      {
        'block': 'ir_s2_c12',
        'depths': [1, 2],
        'kernels': [3, 5, 7],
        'expansions': [2, 3],
        'widths': [0.5, 1.0],
      },
      {'block': 'ir_c12_se0.5', 'depths': [2, 3], 'kernels': [3, 5], 'expansions': [1.5, 2]},
    ],
    'tail': ['conv1_c16'],
    'head': 'fc4',
    'divisor': 2,
  }
)


@pytest.fixture(scope='session')
def keras():
  """Keras; skips where it is absent."""
  from tflm_patch.quantization.model_io import require_keras

  try:
    return require_keras()
  except EnvironmentMissing as error:
    pytest.skip(str(error))


@pytest.fixture(scope='session')
def space():
  return SPACE


@pytest.fixture(scope='session')
def tiny_space():
  """As little as can be elastic, which is traced in a second."""
  return nas.space_from_json(
    {
      'name': 'tiny',
      'inputs': [[8, 8, 1], [12, 12, 1]],
      'stem': ['conv3_s2_c4'],
      'stages': [{'block': 'ir_c4', 'depths': [1, 2], 'kernels': [3, 5], 'expansions': [2, 3]}],
      'head': 'fc4',
    }
  )


@pytest.fixture(scope='session')
def quarters():
  """Images of 12x12 with a bright quarter, which is their class."""
  from tflm_patch.training import Dataset, Part

  def part(count, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    images = rng.integers(0, 120, (count, 12, 12, 1)).astype(np.uint8)
    for image, label in zip(images, labels):
      row, col = 6 * (label // 2), 6 * (label % 2)
      image[row : row + 6, col : col + 6] += 100
    return Part(images, labels)

  return Dataset(part(96, 0), part(48, 1), ('a', 'b', 'c', 'd'))


@pytest.fixture(scope='session')
def scrambled(keras, space):
  """A supernet with weights and statistics as no initialisation gives them."""
  from tflm_patch.nas.supernet import Supernet

  made = Supernet(space)
  rng = np.random.default_rng(1)
  for weight in made.network.weights:
    values = rng.uniform(0.3, 1, weight.shape)
    if 'variance' not in weight.path:
      values = values * rng.choice([-1, 1], weight.shape)
    weight.assign(values)
  return made
