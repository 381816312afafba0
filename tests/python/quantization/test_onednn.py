# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow is asked for oneDNN's kernels, unless the user chose, or it runs already."""

import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
from tflm_patch.quantization.model_io import require_keras
require_keras()
import os
print(os.environ.get('TF_ENABLE_ONEDNN_OPTS'))
"""


def asked(script: str, **variables: str) -> str:
  kept = {key: value for key, value in os.environ.items() if key != 'TF_ENABLE_ONEDNN_OPTS'}
  done = subprocess.run(
    [sys.executable, '-c', script],
    env={**kept, 'KERAS_BACKEND': 'tensorflow', 'TF_CPP_MIN_LOG_LEVEL': '3', **variables},
    capture_output=True,
    text=True,
    check=True,
  )
  return done.stdout.strip()


@pytest.mark.skipif(platform.machine() not in ('x86_64', 'AMD64'), reason='of x86 only')
def test_what_is_asked_for():
  pytest.importorskip('tensorflow')
  assert asked(SCRIPT) == '1'
  assert asked(SCRIPT, TF_ENABLE_ONEDNN_OPTS='0') == '0'
  assert asked('import tensorflow\n' + SCRIPT) == 'None'
