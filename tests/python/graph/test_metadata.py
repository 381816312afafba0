# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels and normalisation parameters read from the converted model as from the original."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

import pytest

import tflm_patch
from tflm_patch.sample.sample import sample_model_path

SCRIPT = pathlib.Path(__file__).with_name('metadata_script.py')
PYTHON = os.environ.get('TFLM_PATCH_METADATA_PYTHON', '')


@pytest.mark.skipif(not PYTHON, reason='TFLM_PATCH_METADATA_PYTHON: no Python with tflite-support')
def test_metadata_survives_conversion(tmp_path):
  def script(*arguments: object) -> str:
    done = subprocess.run([PYTHON, SCRIPT, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout

  original, converted = tmp_path / 'original.tflite', tmp_path / 'converted.tflite'
  script('write', sample_model_path(), original)
  assert tflm_patch.convert(original, converted).changed
  before, after = json.loads(script('read', original)), json.loads(script('read', converted))
  assert before == after
  assert before['files']['labels.txt'].startswith('digit 0\ndigit 1')
  assert '127.5' in json.dumps(before['metadata']) and '63.75' in json.dumps(before['metadata'])
