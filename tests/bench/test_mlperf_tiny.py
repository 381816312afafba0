# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The benchmark that sets modelled cycles beside published ones."""

import dataclasses
import importlib
import json
import pathlib
import subprocess
import sys

import pytest
from support import emulated, real_models

from tflm_patch.bench import model_cycles
from tflm_patch.errors import TflmPatchError

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / 'benchmarks/mlperf_tiny.py'
sys.path.insert(0, str(SCRIPT.parent))

import mlperf_tiny  # noqa: E402

ROWS = [
  mlperf_tiny.Row('ad', 'cortex-m4', 'smallest', 1204, 2372, 500_000, 680_000, 750_000),
  mlperf_tiny.Row('ad', 'cortex-m4', 'fastest', 1620, 2372, 490_000, 670_000, 740_000),
  mlperf_tiny.Row('ad', 'cortex-m33', 'smallest', 1204, 2372, 500_000, 680_000, None),
  mlperf_tiny.Row('ad', 'cortex-m33', 'fastest', 1620, 2372, 490_000, 670_000, None),
]


def test_figures():
  m4, m33 = mlperf_tiny.figures(ROWS)
  assert (m4['model'], m4['cpu']) == ('ad', 'cortex-m4')
  assert m4['fastest']['cycles'] == 670_000 and m4['smallest']['instructions'] == 500_000
  engines = {each['engine']: each['cycles'] for each in m4['published_cycles']}
  assert engines['Plumerai 2023.05'] == 486_000 and engines['Bosch HALE 1.0'] == 567_000
  assert all('U575' in each['board'] for each in m33['published_cycles'])


def test_the_table():
  lines = mlperf_tiny.table(ROWS).splitlines()
  assert lines[0] == '| core | engine | cycles are | AD |'
  assert '| Cortex-M4 | tflm-patch, fastest plan | modelled, no wait states | 0.67 |' in lines
  assert '| Cortex-M4 | tflm-patch, fastest plan | modelled, 5 wait states | 0.74 |' in lines
  assert any('X-CUBE-AI 9.0 | measured, STM32L4R5, 120 MHz (v1.2) | 0.631' in row for row in lines)
  assert not any('Cortex-M33' in row and 'wait states' in row and '5' in row for row in lines[12:])


def run(*arguments):
  return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)


@pytest.mark.parametrize(
  ('arguments', 'text'),
  [
    (('--models', 'person'), 'known are vww, ic, kws, ad'),
    (('--image', 'kws'), 'write MODEL=FILE'),
    (('--cpus', 'z80'), 'unknown CPU'),
    (('--cpus', 'm55', '--models', 'ad'), 'no timings'),
  ],
)
def test_mistakes(arguments, text):
  emulated.core('cortex-m55')
  if 'm55' in arguments and not (real_models.FOLDER / 'mlperf_ad01_int8.tflite').exists():
    pytest.skip(real_models.MISSING)
  done = run(*arguments)
  assert done.returncode == 1 and text in done.stderr and 'Traceback' not in done.stderr


@pytest.mark.slow
def test_a_model():
  core = emulated.core('cortex-m4')
  if model_cycles.why_not(core) or not (real_models.FOLDER / 'mlperf_ad01_int8.tflite').exists():
    pytest.skip(real_models.MISSING)
  done = run('--cpus', 'm4', '--models', 'ad', '--json')
  assert done.returncode == 0, done.stderr
  found = json.loads(done.stdout)
  (model,) = found['models']
  small, fast = model['smallest'], model['fastest']
  assert small['arena'] <= fast['arena'] <= small['stock_arena']
  assert small['instructions'] < small['cycles'] < small['board_cycles']
  assert fast['cycles'] <= 1.05 * small['cycles']


def test_beside_cmsis_nn(monkeypatch):
  monkeypatch.syspath_prepend(str(ROOT / 'benchmarks/cortex_m'))
  script = importlib.import_module('against_cmsis_nn')
  rows = [dataclasses.replace(row, model='mlperf_kws_int8') for row in ROWS[:2]]
  line = script.table(rows, {'mlperf_kws_int8': 1_000_000}).splitlines()[-1]
  cells = '1.00 | 0.68 | 0.68x | 1,204 | 0.67 | 0.67x | 1,620 | 2,372'
  assert line == f'| mlperf_kws_int8 | {cells} |'
  with pytest.raises(TflmPatchError, match='write MODEL=FILE, with one of mcunet_vww'):
    script.measured(['kws=x.elf'], None)
