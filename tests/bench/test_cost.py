# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The planner's cost model, against emulated runs of models that it was not fitted to."""

import json
import pathlib
import shutil
import sys

import numpy as np
import pytest
from support import real_models

from tflm_patch import cost
from tflm_patch.bench import cpus
from tflm_patch.bench.measure import measure, prepare
from tflm_patch.bench.timing import TIMINGS

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'benchmarks' / 'cortex_m'))

import fit_cost  # noqa: E402

TOLERANCE = 0.10


@pytest.mark.parametrize('cpu', cpus.CPUS)
@pytest.mark.parametrize('model', ['tflm_person_detect', 'mcunet_vww'])
def test_unseen_models_within_ten_per_cent(cpu, model):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  core = cpus.CPUS[cpu]
  path = real_models.FOLDER / f'{model}.tflite'
  if not path.exists():
    pytest.skip(real_models.MISSING)
  if not all(map(shutil.which, (core.compiler, core.emulator))):
    pytest.skip(f'{core.compiler} or {core.emulator} is not installed')
  assert model in fit_cost.CHECKED and model not in fit_cost.FITTED
  result = measure(prepare(path), core, cost.load(cpu).optimization)
  errors = [result.predicted_instructions / result.instructions - 1]
  if result.cycles is not None:
    errors.append(result.predicted_cycles / result.cycles.total.cycles - 1)
  assert max(map(abs, errors)) < TOLERANCE, 'run benchmarks/cortex_m/fit_cost.py'


@pytest.mark.parametrize('cpu', cpus.CPUS)
def test_files_hold_what_the_model_knows(cpu):
  found = json.loads((cost.FOLDER / f'{cpu}.json').read_text())
  assert found['schema_version'] == fit_cost.SCHEMA_VERSION
  assert found['cpu'] == cpu
  units = ['instructions', 'cycles'] if cpu in TIMINGS else ['instructions']
  assert list(found['errors']) == units and ('cycles' in found) == (cpu in TIMINGS)
  for unit in units:
    terms = found[unit]
    for coefficients in terms['classes'].values():
      assert set(coefficients) <= set(cost.FEATURES)
      assert all(value > 0 for value in coefficients.values())
    assert set(terms['executor']) <= set(cost.EXECUTOR_FEATURES)
    assert {'with weights', 'without weights', 'CONV_2D', 'SOFTMAX'} <= set(terms['classes'])
    for model in fit_cost.CHECKED:
      assert abs(found['errors'][unit][model]) < TOLERANCE, model


def test_nonnegative_least_squares():
  """Karush-Kuhn-Tucker: no negative coefficient, and none that would help to change."""
  random = np.random.default_rng(5)
  for _ in range(50):
    a = random.uniform(0, 1, (30, 6)) * 10.0 ** random.integers(-3, 3, 6)
    b = a @ np.maximum(random.normal(size=6), 0) + random.normal(scale=0.3, size=30)
    x = fit_cost.nonnegative_least_squares(a, b)
    gradient = a.T @ (b - a @ x)
    limit = 1e-6 * np.abs(a.T @ b).max()
    assert (x >= 0).all()
    assert (gradient <= limit).all()
    assert np.abs(gradient[x > 0]).max(initial=0) <= limit
