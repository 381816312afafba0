# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The examples run, and what they print is good."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from support import real_models
from support.firmware import C11, need, run

from tflm_patch.runtime.tflm import Interpreter

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / 'examples'

pytestmark = pytest.mark.slow


def numbers(text):
  return [float(each) for each in re.findall(r'\d[\d,]*\.?\d*', text.replace(',', ''))]


@pytest.fixture
def example(tmp_path):
  """Runs one on series of aeon; gives its lines."""
  for module in ('aeon', 'tensorflow', 'tflite_micro'):
    if importlib.util.find_spec(module) is None:
      pytest.skip(f'{module} is not installed')
  (folder,) = importlib.util.find_spec('aeon').submodule_search_locations
  if not pathlib.Path(folder, 'datasets/data/Daphnet_S06R02E0/S06R02E0.csv').exists():
    pytest.skip('this version of aeon does not carry the series')

  def run_one(name):
    done = subprocess.run(
      [sys.executable, EXAMPLES / name, tmp_path],
      env={**os.environ, 'KERAS_BACKEND': 'tensorflow', 'TF_CPP_MIN_LOG_LEVEL': '3'},
      capture_output=True,
      text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()

  return run_one


def test_anomalies_in_a_blood_pressure(example):
  told, sliding = example('anomaly.py')
  auc = float(re.search(r'AUC (0\.\d+)', told)[1])
  assert auc > 0.8
  assert 'bit-exact True' in sliding


def test_a_walk(example):
  turned, walking, arena, share = example('wearable.py')
  assert float(re.search(r'([\d.]+) %', turned)[1]) > 90
  assert float(re.search(r'([\d.]+) %', walking)[1]) < 10
  before, after = numbers(arena)
  assert after < before / 3
  assert 'bit-exact True' in share


def test_a_forecast(example):
  errors, sizes = example('forecast.py')
  int8, in_float, now, *_ = (float(each) for each in re.findall(r'0\.\d+', errors))
  assert int8 < now and abs(int8 - in_float) < 0.2 * in_float
  assert sizes.endswith('True')


MAIN = """
#include <stdio.h>
#include "wake_word.h"
#include "stream.h"
int main(void) {
  if (!wake_word_init()) return 1;
  for (int i = 0; i < COUNT; ++i) {
    printf("%d\\n", wake_word_feed(features + kWakeWordFeatures * i, CUTOFF));
  }
  return 0;
}
"""


@pytest.mark.parametrize('name', ['okay_nabu', 'vad'])
def test_a_wake_word_component(tmp_path, name):
  """On features without meaning: it says what Python computes from the model's outputs."""
  need('gcc')
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  model = real_models.FOLDER / f'microwakeword_{name}.tflite'
  if not model.exists():
    pytest.skip(real_models.MISSING)
  component = tmp_path / 'component'
  done = run(sys.executable, EXAMPLES / 'wake_word/build.py', model, component)
  assert 'bit-exact True' in done
  rng = np.random.default_rng(3)
  features = rng.integers(-128, 128, (180, 40)).astype(np.int8)
  interpreter = Interpreter(model.read_bytes())
  slices = features.reshape(-1, 1, 3, 40)
  outputs = [interpreter.invoke([each])[0].item() for each in slices]
  cutoff = max(sum(outputs[k : k + 5]) for k in range(len(outputs))) // 6
  interpreter.reset()
  wanted, heard = [], []
  for each in slices:
    heard = [*heard, interpreter.invoke([each])[0].item()][-5:]
    alarm = sum(heard) > 5 * cutoff
    if alarm:
      interpreter.reset()
      heard = []
    wanted += [0, 0, int(alarm)]
  assert 0 < sum(wanted) < len(slices)
  values = ', '.join(map(str, features.reshape(-1).tolist()))
  (tmp_path / 'stream.h').write_text(
    f'#define COUNT {len(features)}\n#define CUTOFF {cutoff}u\n'
    f'static const int8_t features[] = {{{values}}};\n'
  )
  (tmp_path / 'main.c').write_text(MAIN)
  folders = sorted({path.parent for path in component.rglob('*.h')})
  includes = [f'-I{folder}' for folder in (*folders, tmp_path)]
  sources = [component / 'wake_word.c', *sorted((component / 'src').rglob('*.c'))]
  made = tmp_path / 'main'
  run('gcc', *C11, '-O1', *includes, tmp_path / 'main.c', *sources, '-lm', '-o', made)
  assert [int(line) for line in run(made).split()] == wanted
