# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of searches: their figures, and that they go on where they ended."""

import importlib
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tflm_patch import fits
from tflm_patch.architecture import format_spec
from tflm_patch.conversion.fit_types import Budget

BENCHMARKS = pathlib.Path(__file__).resolve().parents[3] / 'benchmarks'
SHORT = ['--trials', '1', '--population', '2', '--search-epochs', '1', '--epochs', '1']


@pytest.fixture
def searching(monkeypatch):
  monkeypatch.syspath_prepend(str(BENCHMARKS))
  return importlib.import_module('searching')


def test_the_largest_mobilenet_that_fits(searching):
  from tflm_patch.conversion.fit import fits_many

  found = searching.largest_mobilenet((32,), 16_384, 65_536, None)
  (fit,) = fits_many([found], Budget(16_384, 65_536))
  assert fit.fits and found.head.classes == 10
  smaller = searching.largest_mobilenet((32,), 16_384, 65_536, fit.macs - 1)
  assert smaller is None or format_spec(smaller) != format_spec(found)
  assert searching.largest_mobilenet((32,), 500, 65_536, None) is None
  assert fits(found, 'stm32f412').fits


@pytest.mark.slow
@pytest.mark.parametrize('name', ['sign_digits', 'cifar10'])
def test_a_benchmark_prints_its_figures(tmp_path, name):
  for module in ('keras', 'tensorflow', 'tflite_micro'):
    pytest.importorskip(module)
  image_module = pytest.importorskip('PIL.Image')
  rng = np.random.default_rng(1)
  for label in ('left', 'right'):
    (tmp_path / 'photos' / label).mkdir(parents=True)
    for number in range(20):
      pixels = rng.integers(0, 100, (32, 32, 3), np.uint8)
      pixels[:, :16] += np.uint8(100 if label == 'left' else 0)
      image_module.fromarray(pixels).save(tmp_path / 'photos' / label / f'{number}.png')
  words = ['--data', tmp_path / 'photos', '--out', tmp_path / 'out', '--threads', '1', '--quiet']
  figures = []
  for _ in range(2):
    run = subprocess.run(
      [sys.executable, BENCHMARKS / f'search_{name}.py', *words, *SHORT, '--json'],
      env={**os.environ, 'PYTHONPATH': str(BENCHMARKS.parent), 'KERAS_BACKEND': 'tensorflow'},
      capture_output=True,
      text=True,
    )
    assert run.returncode == 0, run.stderr
    figures.append(json.loads(run.stdout))
  found, again = figures
  for way in ('searched', 'random', 'mobilenet_v2'):
    row = found[way]
    assert 0 <= row['int8_accuracy'] <= 100 and row['bit_exact'] and not row['missed']
    assert row['arena_total'] <= found['limits']['arena']
    assert row['file_bytes'] <= found['limits']['flash']
    assert again[way]['spec'] == row['spec']
    assert again[way]['int8_accuracy'] == row['int8_accuracy']
  assert found['searched']['trials'] == 1 and found['searched']['arena_as_predicted']
