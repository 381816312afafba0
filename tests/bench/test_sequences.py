# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of models of sequences."""

import json
import pathlib
import subprocess
import sys

import pytest
from support import real_models
from support.stateful_models import streaming
from support.window_models import windowed

from tflm_patch.api import ConvertOptions, convert_model

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / 'benchmarks/sequences.py'
sys.path.insert(0, str(SCRIPT.parent))

import sequences  # noqa: E402

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')


def test_differences_are_counted():
  data, other = streaming(2, -3), streaming(1, -3)
  same = convert_model(data).data
  assert sequences.steps_differ(data, same, 12) == 0
  assert sequences.steps_differ(data, convert_model(other).data, 12) > 0


def test_windows_are_compared():
  model = windowed(3, 'SAME')
  slides = convert_model(model.data, ConvertOptions(hop=model.strides, force_stage=True)).data
  assert sequences.windows_differ(model.data, slides, 40) == 0
  # One that has outputs at once.
  assert sequences.windows_differ(model.data, model.data, 3) == 0


def run(*arguments):
  return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)


def test_mistakes():
  done = run('--models', 'person')
  assert done.returncode != 0 and 'known are okay_nabu' in done.stderr
  assert 'Traceback' not in done.stderr


@pytest.mark.slow
def test_a_row():
  if not (real_models.FOLDER / 'microwakeword_vad.tflite').exists():
    pytest.skip(real_models.MISSING)
  done = run('--models', 'vad', '--steps', '30', '--no-bench', '--json')
  assert done.returncode == 0, done.stderr
  (row,) = json.loads(done.stdout)['models']
  assert row['bit_exact'] and row['steps'] == 30 and row['instructions'] is None
  assert row['stock_variables'] == 1120 and row['arena'] < row['stock_arena']
