# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of supernets go on where they were, and keep their limits."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parents[4] / 'benchmarks'


def module(name, monkeypatch):
  monkeypatch.syspath_prepend(str(FOLDER))
  spec = importlib.util.spec_from_file_location(name, FOLDER / f'{name}.py')
  found = importlib.util.module_from_spec(spec)
  monkeypatch.setitem(sys.modules, name, found)
  spec.loader.exec_module(found)
  return found


def test_work_goes_on(keras, tmp_path, monkeypatch):
  shared = module('supernet_setup', monkeypatch)
  made = []

  def make(value):
    made.append(value)
    return value

  first = shared.Work(tmp_path, {'seed': 1})
  assert first.once('a', lambda: make(1)) == 1
  first.save()
  saved = json.loads((tmp_path / 'done.json').read_text())['seconds']
  again = shared.Work(tmp_path, {'seed': 1})
  assert again.once('a', lambda: make(2)) == 1 and made == [1]
  assert again.seconds[0] >= saved > 0
  used = shared.Work(tmp_path, {'seed': 1}, cpu_minutes=0)
  assert used.once('a', lambda: make(3)) == 1
  with pytest.raises(shared.LimitReached):
    used.once('b', lambda: make(4))
  with pytest.raises(SystemExit, match='of another run'):
    shared.Work(tmp_path, {'seed': 2})


def test_limits_of_the_searches(keras, space, monkeypatch):
  """What fits as it is, fits by layers and converted, too; evolution keeps to what fits."""
  module('supernet_setup', monkeypatch)
  joint = module('joint_search', monkeypatch)
  limit = 5000
  fitting = dict.fromkeys(joint.ARMS, 0)
  for picks in space.samples(20, seed=1):
    spec = space.spec_of(picks)
    for name, fits in joint.ARMS.items():
      fitting[name] += fits(spec, limit)
    assert joint.joint(spec, limit) or not joint.stock(spec, limit)
  assert fitting['stock'] < fitting['joint']

  @functools.cache
  def fits(picks):
    return joint.joint(space.spec_of(picks), 4000)

  first, second = (joint.Evolution(space, fits, 1, 6, 2) for _ in range(2))
  seen = set()
  for _ in range(3):
    asked = first.ask()
    assert asked == second.ask() and all(map(fits, asked)) and not seen & set(asked)
    seen |= set(asked)
    scores = [float(sum(picks)) for picks in asked]
    first.tell(scores)
    second.tell(scores)


def test_differences_of_the_searches(keras, monkeypatch):
  """Of medians, with the interval of the seeds that both arms have."""
  module('supernet_setup', monkeypatch)
  joint = module('joint_search', monkeypatch)
  limit = 16 * 1024
  accuracies = {'joint': (80, 81, 82), 'stock': (70, 78, 79), 'analytic': (80, 82, None)}
  rows = [
    {'arm': arm, 'limit': limit, 'seed': seed, 'spec': value and 'a', 'int8_accuracy': value}
    for arm, values in accuracies.items()
    for seed, value in enumerate(values)
  ]
  stock, analytic = joint.differences(rows)
  assert (stock['points'], stock['least'], stock['most']) == (81 - 78, 3, 10)
  assert stock['wanted'] == 5 and not stock['reached']
  assert (analytic['points'], analytic['least'], analytic['most']) == (0, -1, 0)
  assert not joint.differences([row for row in rows if row['arm'] != 'joint'])


def test_limits_of_file_and_work_hold_for_all_arms(keras, space, monkeypatch):
  module('supernet_setup', monkeypatch)
  joint = module('joint_search', monkeypatch)
  spec = space.spec_of(space.samples(1, seed=1)[0])
  fit = joint.spec_engine.exactly(spec, joint.Budget(1 << 30))
  assert joint.is_within(spec, None, None) and joint.is_within(spec, fit.flash, fit.macs)
  assert not joint.is_within(spec, fit.flash - 1, None)
  assert not joint.is_within(spec, None, fit.macs - 1)


def test_tasks_can_share_weights(keras, monkeypatch):
  """The spaces of the data sets are ones of supernets, and small images have a small one."""
  from tflm_patch.nas.supernet import SharedSpace

  tasks = module('supernet_tasks', monkeypatch)
  cifar = tasks.task_of('/data/cifar10.tar')
  assert cifar is tasks.TASKS['cifar10'] and tasks.task_of('photos') is tasks.OTHERS
  for task in (*tasks.TASKS.values(), tasks.OTHERS):
    shared = SharedSpace(task.space(task.sides, 3, 10))
    assert max(shared.sizes) == (max(task.sides),) * 2
  small = tasks.OTHERS.space((12, 16), 1, 10)
  assert len(small.stages) < len(tasks.OTHERS.space((32, 48), 1, 10).stages)


@pytest.mark.slow
def test_joint_search_prints_its_figures(keras, tmp_path):
  """And the same ones where nothing is left to be done; of finalists from the beginning, too."""
  words = (
    '--digits --supernet-epochs 2 --train-epochs 1 --limits 6000 --seeds 1 --population 4 '
    '--parents 2 --generations 2 --examples 20 --rounds 2 --judged 2 '
    '--finalists-cpu-minutes 0.1 --macs 300000 --flash 40KB --quiet --json'
  )
  from_scratch = ['--finalists', 'scratch', '--supernet', tmp_path / 'out' / 'supernet']
  own = (
    ['--out', tmp_path / 'out'],
    ['--out', tmp_path / 'out'],
    [*from_scratch, '--out', tmp_path / 'scratch'],
  )
  runs = [
    subprocess.run(
      [sys.executable, FOLDER / 'joint_search.py', *words.split(), *each],
      env={**os.environ, 'PYTHONPATH': str(FOLDER.parent)},
      capture_output=True,
      text=True,
    )
    for each in own
  ]
  for run in runs:
    assert run.returncode == 0, run.stderr
  first, again, scratch = (json.loads(run.stdout) for run in runs)
  for name in ('searches', 'summary', 'differences', 'finalists', 'predictor', 'supernet'):
    assert first[name] == again[name]
  assert (first['finalists'], scratch['finalists']) == ('inherited', 'scratch')
  for rows in (first['searches'], first['summary']):
    assert {row['arm'] for row in rows} == {'stock', 'analytic', 'joint'}
  for row in (*first['searches'], *scratch['searches']):
    if row['spec'] is not None:
      assert row['macs'] <= 300_000 and row['file_bytes'] <= 1.01 * 40 * 1024
      assert 0 <= row['int8_accuracy'] <= 100
  (joint,) = [row for row in first['searches'] if row['arm'] == 'joint']
  assert joint['fits'] and joint['arena'] <= 6000
