# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What inherits weights needs Keras and one of its backends."""

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
