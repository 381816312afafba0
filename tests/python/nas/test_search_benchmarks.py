# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of searches: their figures, and that they go on where they ended."""

import argparse
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
SHORT = ['--trials=1', '--population=2', '--search-epochs=1', '--epochs=1', '--splits=1']


@pytest.fixture
def searching(monkeypatch):
  monkeypatch.syspath_prepend(str(BENCHMARKS))
  return importlib.import_module('searching')


def test_the_largest_mobilenet_that_fits(searching):
  from tflm_patch.conversion.fit import fits_many

  inputs = [(32, 32, 3)]
  found = searching.largest_mobilenet(inputs, 16_384, 65_536, None)
  (fit,) = fits_many([found], Budget(16_384, 65_536))
  assert fit.fits and found.head.classes == 10
  smaller = searching.largest_mobilenet(inputs, 16_384, 65_536, fit.macs - 1)
  assert smaller is None or format_spec(smaller) != format_spec(found)
  assert searching.largest_mobilenet(inputs, 500, 65_536, None) is None
  assert fits(found, 'stm32f412').fits


def test_the_final_training_has_its_share(monkeypatch, searching):
  """Candidates and finalists have the minutes of a task between them."""
  cifar = importlib.import_module('search_cifar10')
  parser = argparse.ArgumentParser()
  searching.define(parser, cifar.TASK)
  words = ['--data', 'x', '--out', 'x', '--minutes', '100']
  options = searching._options(cifar.TASK, parser.parse_args(words))
  assert options.training.cpu_minutes == pytest.approx(80)
  assert options.progress(1, 0, 20 * 60) == pytest.approx(1)
  assert options.effort.training.cpu_minutes is None
  few = searching._options(cifar.TASK, parser.parse_args([*words, '--epochs', '3']))
  assert few.training.epochs == 3 and few.training.cpu_minutes is None
  assert searching._options(cifar.UNAS, parser.parse_args(words)).prefilter.proxy == 'flops'


def test_the_space_of_cifar10_has_what_was_good_by_hand(searching):
  cifar = importlib.import_module('search_cifar10')
  picks = (0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 2, 0, 2, 0, 0, 1, 1, *(0, 2) * 3)
  line = 'in32x32x3 conv3_c16 er_k3_e2_c16 er_k3_e3_s2_c32 x2 ir_k3_e4_s2_c48 x2 conv1_c160 fc10'
  assert format_spec(cifar.SPACE.spec_of(picks)) == line
  assert cifar.UNAS.macs == 1_000_000 and fits(
    cifar.LIGHT.spec_of(cifar.LIGHT.smallest()), 'stm32f412'
  )


@pytest.mark.slow
@pytest.mark.parametrize(
  'name',
  [
    ('sign_digits',),
    ('sign_digits', '--minutes=0.2', '--arms', 'greedy', 'supernet'),
    ('cifar10',),
    ('cifar10', '--task=unas', '--arms=searched'),
  ],
)
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
  figures, (name, *task) = [], name
  for _ in range(2):
    run = subprocess.run(
      [sys.executable, BENCHMARKS / f'search_{name}.py', *words, *SHORT, *task, '--json'],
      env={**os.environ, 'PYTHONPATH': str(BENCHMARKS.parent), 'KERAS_BACKEND': 'tensorflow'},
      capture_output=True,
      text=True,
    )
    assert run.returncode == 0, run.stderr
    figures.append(json.loads(run.stdout))
  found, again = figures
  (rows,), (same,) = found['splits'], again['splits']
  arms = set(task) & {'greedy', 'supernet'} or {'searched'}
  for way in arms if task else ('searched', 'random', 'mobilenet_v2'):
    row = rows[way]
    assert 0 <= row['int8_accuracy'] <= 100 and row['bit_exact'] and not row['missed']
    assert row['arena_total'] <= found['limits']['arena']
    assert row['file_bytes'] <= found['limits']['flash']
    assert same[way] == row
    assert way == 'mobilenet_v2' or (row['trials'] == 1 and row['arena_as_predicted'])
  assert found['seconds'] == again['seconds']
  assert {'seed', *found['medians']['errors']} == set(rows)


@pytest.mark.parametrize(
  ('searched', 'other', 'ratio', 'reached'),
  [([99, 97, 98], [96, 96, 99], 0.5, True), ([98, 98, 98], [97.5, 98, 98], 1, False)],
)
def test_errors_are_medians_of_the_splits(searching, searched, other, ratio, reached):
  splits = [
    {
      'searched': {'spec': 'a', 'int8_accuracy': ours},
      'random': {'spec': 'b', 'int8_accuracy': theirs},
      'mobilenet_v2': {'spec': None},  # nothing of it fits
    }
    for ours, theirs in zip(searched, other)
  ]
  found = searching._medians(splits, searching.ARMS[:3])
  assert found['error_ratio'] == ratio and found['reached'] is reached
  assert set(found['errors']) == {'searched', 'random'}
  alone = searching._medians(splits, ('searched',))
  assert alone['error_ratio'] is None and alone['reached'] is False


def test_what_is_recorded_names_no_folder_of_this_machine(tmp_path, monkeypatch, searching):
  import resumable

  monkeypatch.setattr(resumable, 'RESULTS', tmp_path)
  monkeypatch.setattr(sys, 'argv', ['x.py', '--data', str(tmp_path / 'photos.tar'), '--json'])
  work = resumable.Work(tmp_path / 'out', {})
  text = resumable.reported('script', work, {'seed': 1}, 'name')
  assert str(tmp_path) not in text and '--data photos.tar --json' in text
  found = json.loads((tmp_path / 'name.json').read_text())
  assert found == json.loads(text) and found['seconds'] >= 0


@pytest.mark.slow
def test_spaces_are_checked_once(tmp_path):
  """A run that was killed goes on behind the resolution that was done."""
  words = ['--samples', '1', '--processes', '1', '--out', tmp_path / 'out', '--quiet', '--json']

  def run(*more):
    return subprocess.run(
      [sys.executable, BENCHMARKS / 'search_spaces.py', *words, *more],
      env={**os.environ, 'PYTHONPATH': str(BENCHMARKS.parent)},
      capture_output=True,
      text=True,
    )

  first = json.loads(run().stdout)
  path = tmp_path / 'out' / 'done.json'
  done = json.loads(path.read_text())
  assert len(done['done']) == 12
  again = json.loads(run().stdout)
  assert again['ranking'] == first['ranking'] and again['seconds'] >= first['seconds']
  done['done'].pop('224x224x3')
  path.write_text(json.dumps(done))
  assert json.loads(run().stdout)['ranking'] == first['ranking']
  refused = run('--seed', '5')
  assert refused.returncode == 1 and 'of another run' in refused.stderr
