# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow is asked for oneDNN's kernels, unless the user chose, or it runs already."""

import json
import os
import pathlib
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


@pytest.mark.slow
def test_the_benchmark_measures_both():
  pytest.importorskip('tensorflow')
  root = pathlib.Path(__file__).resolve().parents[3]
  done = subprocess.run(
    [
      *(sys.executable, root / 'benchmarks/training_kernels.py'),
      *('--steps', '1', '--turns', '1', '--json'),
    ],
    env={**os.environ, 'PYTHONPATH': str(root)},
    capture_output=True,
    text=True,
    check=True,
  )
  rows = json.loads(done.stdout)['cpu_milliseconds_of_a_step']
  assert rows.keys() == {'CIFAR-10', 'hand signs'}
  assert all(row['tensorflow'] > 0 and row['onednn'] > 0 for row in rows.values())
