# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TinyNAS' first stage: the ranking is that of exact figures of the same networks."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from tflm_patch import nas
from tflm_patch.conversion.spec_engine import requirements_of
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.checker import Checker
from tflm_patch.nas.search_space import LEAST_FITTING, SubSpace
from tflm_patch.report.spaces import plot_spaces, spaces_table

ROOT = pathlib.Path(__file__).resolve().parents[3]
LIMITS = nas.Objectives.of(arena=28_000, flash=600_000)


@pytest.fixture(scope='module')
def ranking():
  spaces = nas.sub_spaces(nas.load_space('mcunet'), [(64, 64, 3), (96, 96, 3)], (0.2, 0.35))
  lines = []
  found = nas.rank_spaces(spaces, LIMITS, count=15, seed=3, progress=lines.append)
  assert lines[-1] == 'Checked 32 of 60 networks'
  return found


@pytest.mark.slow
def test_what_fits_is_what_the_exact_figures_say(ranking):
  assert len(ranking) == 4
  for each in ranking:
    expected = []
    for picks in each.space.samples(15, seed=3):
      need = requirements_of(each.space.spec_of(picks))
      if need.arena.required <= 28_000 and need.flash <= 600_000:
        expected.append(need.macs)
    assert list(each.macs) == sorted(expected) and each.tried == 15


def test_spaces_are_ranked_by_the_mean_work_of_what_fits(ranking):
  means = [each.mean for each in ranking if each.fitting >= LEAST_FITTING]
  assert means == sorted(means, reverse=True) and means[0] > 0


def test_spaces_of_which_hardly_anything_fits_come_last(ranking):
  seldom = [each.fitting < LEAST_FITTING for each in ranking]
  assert seldom == sorted(seldom)


def test_figures_of_a_distribution():
  space = nas.load_space('series')
  found = SubSpace(space, 10, (1, 2, 3, 4, 10))
  assert (found.fitting, found.mean, found.quantile(0.8), found.quantile(0)) == (0.5, 4, 4, 1)
  assert [found.cdf(macs) for macs in (0, 3, 10)] == [0, 0.6, 1]
  nothing = SubSpace(space, 10, ())
  assert (nothing.fitting, nothing.mean, nothing.quantile(0.8), nothing.cdf(3)) == (0, 0, 0, 0)


def test_a_limit_of_macs_counts():
  spaces = nas.sub_spaces(nas.load_space('mcunet'), [(48, 48, 3)], (0.2,))
  (found,) = nas.rank_spaces(spaces, nas.Objectives.of(arena=60_000), count=20)
  limit = found.macs[len(found.macs) // 2]
  (limited,) = nas.rank_spaces(spaces, nas.Objectives.of(arena=60_000, macs=limit), count=20)
  assert limited.macs == tuple(macs for macs in found.macs if macs <= limit)


@pytest.mark.parametrize('cost', ['instructions', 'milliseconds'])
def test_limits_of_time_count(cost):
  spaces = nas.sub_spaces(nas.load_space('mcunet'), [(48, 48, 3), (32, 32, 3)], (0.2,))
  free = nas.Objectives.of('stm32f412', arena=60_000)
  needs = {
    space.name: [Checker(space, free).needs(picks) for picks in space.samples(6, seed=2)]
    for space in spaces
  }
  values = sorted(getattr(each, cost) for found in needs.values() for each in found)
  limit = values[len(values) // 2]
  limited = nas.Objectives.of('stm32f412', arena=60_000, **{cost: limit})
  ranking = nas.rank_spaces(spaces, limited, count=6, seed=2)
  for each in ranking:
    expected = sorted(n.macs for n in needs[each.space.name] if getattr(n, cost) <= limit)
    assert list(each.macs) == expected
  assert 0 < sum(len(each.macs) for each in ranking) < 12


def test_the_108_spaces():
  spaces = nas.tiny_nas(nas.load_space('mcunet'))
  pairs = {(space.inputs[0][0], space.widths[0]) for space in spaces}
  assert len(spaces) == len(pairs) == 108
  assert min(pairs) == (48, 0.2) and max(pairs) == (224, 1.0)


def test_table_and_chart(ranking, tmp_path):
  lines = spaces_table(ranking, most=3).splitlines()
  assert len(lines) == 5 and lines[-1] == '... and 1 more'
  assert f'{ranking[0].mean / 1e6:,.2f}' in lines[1]
  pytest.importorskip('matplotlib')
  plot_spaces(ranking, 'title', tmp_path / 'spaces.png')
  assert (tmp_path / 'spaces.png').read_bytes().startswith(b'\x89PNG')


def test_what_means_nothing_is_refused():
  spaces = nas.sub_spaces(nas.load_space('mcunet'), [(48, 48, 3)], (0.2,))
  with pytest.raises(TflmPatchError, match='0 networks'):
    nas.rank_spaces(spaces, LIMITS, count=0)


@pytest.mark.slow
def test_the_benchmark_prints_its_figures():
  run = subprocess.run(
    [sys.executable, ROOT / 'benchmarks/search_spaces.py', '--samples', '3', '--json'],
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
  )
  assert run.returncode == 0, run.stderr
  found = json.loads(run.stdout)
  assert found['spaces'] == 108 and found['checked'] == 324
  assert 0 < found['fitting'] < 324 and len(found['ranking']) == 108
