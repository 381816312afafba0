# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A small space and small images for searches."""

import pytest
from support.bars import bars
from support.small_space import SMALL

from tflm_patch import nas
from tflm_patch.errors import EnvironmentMissing
from tflm_patch.training.data.dataset import Dataset


@pytest.fixture(scope='session')
def space():
  return nas.space_from_json(SMALL)


@pytest.fixture(scope='session')
def dataset():
  return Dataset(bars(160, 1), bars(40, 2), ('column', 'row'))


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
