# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Searches on Ray: one is what it is in this process, though workers and the head are killed."""

import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import pytest
from ray_head import Head
from searches import LIMITS, in_own_process, local, options, with_kills
from support.small_space import SMALL

from tflm_patch import nas
from tflm_patch.errors import TflmPatchError

pytestmark = pytest.mark.slow

LOOPBACK = {'0100007F', '0000000000000000FFFF00000100007F', '00000000000000000000000001000000'}


@pytest.fixture
def head(monkeypatch):
  """A cluster that listens on loopback."""
  pytest.importorskip('ray')
  pytest.importorskip('tensorflow')
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  root = pathlib.Path(nas.__file__).parents[2]
  with tempfile.TemporaryDirectory(prefix='r') as folder:
    head = Head(pathlib.Path(folder), f'{root}:{pathlib.Path(__file__).parent}')
    for name, value in head.environment.items():
      monkeypatch.setenv(name, value)
    head.start()
    try:
      yield head
    finally:
      head.kill()


def trials(folder):
  """Everything but the time it took."""
  lines = [json.loads(line) for line in (folder / 'search.jsonl').read_text().splitlines()]
  return [{name: line[name] for name in line if 'seconds' not in name} for line in lines]


def test_killed_workers_and_a_killed_head_lose_nothing(keras, dataset, head, tmp_path):
  space = nas.space_from_json(SMALL)
  ours, theirs = tmp_path / 'ours', tmp_path / 'theirs'
  in_own_process(local, dataset, space, ours)
  assert set(head.listening()) <= LOOPBACK and head.listening()
  seen = in_own_process(with_kills, dataset, space, theirs, head)
  assert sum(seen.killed) >= 1, seen.lines
  assert any('The Ray cluster is back' in line for line in seen.lines)
  assert sum('Finalist 1: ' in line for line in seen.lines) >= 3  # portions
  assert trials(theirs) == trials(ours) and len(trials(ours)) == 8
  for name in ('model.tflite', 'model_patch.tflite', 'spec.txt'):
    assert (theirs / 'top1' / name).read_bytes() == (ours / 'top1' / name).read_bytes(), name
  assert not list(theirs.rglob('*.pkl')) and not list(theirs.rglob('*.pickle'))


def test_commands_of_the_page_run(head, tmp_path):
  """Its search, on the cluster of this test, which is started as the page says."""
  docs = pathlib.Path(nas.__file__).parents[2] / 'docs'
  page = (docs / 'cluster.md').read_text()
  (start,) = re.findall(r'^ray start .*127.*$', page, re.MULTILINE)
  words = {word.partition('=')[0] for word in shlex.split(start)[2:]}
  assert words <= {word.partition('=')[0] for word in head.words()}
  for name in re.findall(r'RAY_[A-Z_]+(?==)', page):
    assert name in head.environment, name
  data = re.findall(r'```python\n(.*?)```', (docs / 'search.md').read_text(), re.DOTALL)[0]
  (search,) = re.findall(r'^tflm-patch (.*)$', page, re.MULTILINE)
  search = shlex.split(search.replace('127.0.0.1:6379', head.address))
  for command in (['-c', data], ['-m', 'tflm_patch.cli.main', *search]):
    run = subprocess.run(
      [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
  assert 'verified' in run.stdout and (tmp_path / 'found' / 'top1' / 'model_patch.tflite').exists()


def test_without_the_token_nothing_is_told(dataset, head, tmp_path, monkeypatch):
  monkeypatch.delenv('RAY_AUTH_MODE')
  monkeypatch.delenv('RAY_AUTH_TOKEN_PATH')
  monkeypatch.setenv('HOME', str(tmp_path))  # the token of this machine is of no use, either
  engine = nas.EngineOptions('ray', head.address)
  with pytest.raises(TflmPatchError, match='wants its token: set RAY_AUTH_MODE=token'):
    nas.search(
      dataset, nas.space_from_json(SMALL), LIMITS, options(engine=engine), tmp_path / 'out'
    )
