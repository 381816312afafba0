# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""All of these tests need Keras and one of its backends."""

import pytest

from tflm_patch.errors import EnvironmentMissing


@pytest.fixture(scope='session', autouse=True)
def keras():
  """Keras; skips where it is absent."""
  from tflm_patch.quantization.model_io import require_keras

  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')

  try:
    module = require_keras()
  except EnvironmentMissing as error:
    pytest.skip(str(error))
  module.utils.set_random_seed(7)
  return module
