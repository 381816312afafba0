# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of detectors: its scenes, its figures, and that it goes on where it ended."""

import importlib
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tflm_patch.training import Part
from tflm_patch.training.detection.boxes import corners, is_there
from tflm_patch.training.detection.decode import iou

BENCHMARKS = pathlib.Path(__file__).resolve().parents[4] / 'benchmarks'


@pytest.fixture
def benchmark(monkeypatch):
  monkeypatch.syspath_prepend(str(BENCHMARKS))
  return importlib.import_module('detection')


def test_boxes_are_where_the_photographs_are(benchmark):
  pytest.importorskip('PIL.Image')
  photos = Part(np.full((4, 100, 100, 3), 255, np.uint8), np.arange(4) % 2)
  found = benchmark.scenes(photos, 6, 1)
  again = benchmark.scenes(photos, 6, 1)
  np.testing.assert_array_equal(found.inputs, again.inputs)
  for image, target in zip(found.inputs, found.targets):
    boxes = target[is_there(target)]
    assert 1 <= len(boxes) <= benchmark.MOST_SIGNS
    overlaps = iou(boxes[:, 1:], boxes[:, 1:])
    assert np.all(overlaps - np.eye(len(boxes)) < 1e-6)
    for left, top, right, bottom in np.rint(corners(boxes[:, 1:]) * benchmark.SIDE).astype(int):
      assert 0 <= left < right <= benchmark.SIDE and 0 <= top < bottom <= benchmark.SIDE
      assert image[top:bottom, left:right].min() == 255


def test_what_each_way_reaches(benchmark):
  rows = [
    {'side': 32, 'map': 10.0, 'arena_stock': 5, 'arena_converted': 2, 'arena_rows': 1},
    {'side': 64, 'map': 30.0, 'arena_stock': 20, 'arena_converted': 8, 'arena_rows': 4},
    {'side': 96, 'map': 50.0, 'arena_stock': 50, 'arena_converted': 30, 'arena_rows': 9},
  ]
  assert benchmark.reached(rows, 10) == {
    'stock': {'side': 32, 'map': 10.0},
    'converted': {'side': 64, 'map': 30.0},
    'rows': {'side': 96, 'map': 50.0},
  }
  assert benchmark.reached(rows, 1)['stock'] is None


def test_memory_is_what_resolution_costs(benchmark):
  needs = [benchmark.arenas(benchmark.NETWORK.format(side=s, classes=3)) for s in (48, 96)]
  for each in needs:
    assert each['rows'] < each['converted'] < each['stock']
  assert needs[1]['stock'] > benchmark.LIMIT >= needs[1]['converted']


@pytest.mark.slow
def test_figures_are_printed_and_kept(tmp_path):
  for module in ('keras', 'tensorflow', 'tflite_micro', 'pycocotools'):
    pytest.importorskip(module)
  image_module = pytest.importorskip('PIL.Image')
  rng = np.random.default_rng(1)
  for label in ('0', '5', '9'):
    (tmp_path / 'photos' / label).mkdir(parents=True)
    for number in range(6):
      pixels = rng.integers(0, 256, (20, 20, 3), np.uint8)
      image_module.fromarray(pixels).save(tmp_path / 'photos' / label / f'{number}.png')
  words = ['--data', tmp_path / 'photos', '--out', tmp_path / 'out', '--quiet', '--json']
  found = []
  for _ in range(2):
    run = subprocess.run(
      [
        sys.executable,
        BENCHMARKS / 'detection.py',
        *words,
        '--sides',
        '16',
        '--scenes',
        '20',
        '--epochs',
        '1',
      ],
      env={
        **os.environ,
        'PYTHONPATH': f'{BENCHMARKS.parent}:{os.environ.get("PYTHONPATH", "")}',
        'KERAS_BACKEND': 'tensorflow',
      },
      capture_output=True,
      text=True,
    )
    assert run.returncode == 0, run.stderr
    found.append(json.loads(run.stdout))
  assert found[0] == found[1]  # the second is read
  (row,) = found[0]['rows']
  assert row['side'] == 16 and 0 <= row['map'] <= 100 and row['verified']
