# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of supernets go on where they were, and keep their limits."""

from __future__ import annotations

import importlib.util
import json
import pathlib
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

  def fits(picks):
    return joint.joint(space.spec_of(picks), 3000)

  first, second = (joint.Evolution(space, fits, 1, 6, 2) for _ in range(2))
  seen = set()
  for _ in range(3):
    asked = first.ask()
    assert asked == second.ask() and all(map(fits, asked)) and not seen & set(asked)
    seen |= set(asked)
    scores = [float(sum(picks)) for picks in asked]
    first.tell(scores)
    second.tell(scores)
