# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The command line as a user meets it."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys

import pytest

from tflm_patch.sample.sample import sample_model_path

pytestmark = pytest.mark.slow


def run(*arguments: object, cwd: pathlib.Path | None = None) -> subprocess.CompletedProcess[str]:
  return subprocess.run(
    [sys.executable, '-m', 'tflm_patch.cli.main', *map(str, arguments)],
    capture_output=True,
    text=True,
    cwd=cwd,
  )


@pytest.fixture
def model(tmp_path):
  return shutil.copy(sample_model_path(), tmp_path / 'digits.tflite')


@pytest.mark.parametrize('command', ['convert', 'analyze', 'verify', 'targets'])
def test_help_has_options_and_examples(command):
  text = run(command, '--help').stdout
  assert 'usage: tflm-patch' in text and 'options:' in text and 'examples:' in text


def test_convert_verify_analyze(model, tmp_path):
  done = run('convert', model)
  assert done.returncode == 0 and 'written' in done.stdout and done.stderr == ''
  output = tmp_path / 'digits_patch.tflite'
  check = run('verify', model, output, '--inputs', 3, '--json')
  found = json.loads(check.stdout)
  assert found['bit_exact'] and found['inputs'] == 3 and found['schema_version'] == 2
  summary = json.loads(run('convert', model, '-o', tmp_path / 'o.tflite', '--json').stdout)
  for side in ('original', 'converted'):
    for field in ('arena_total', 'arena_head', 'arena_tail', 'arena_host', 'file_bytes'):
      assert summary[side][field] == found[side][field]
  assert summary['macs']['original'] == summary['macs']['converted'] > 0
  assert summary['stages'] and summary['stock_operators'] == []
  pytest.importorskip('matplotlib')
  chart = tmp_path / 'chart.png'
  assert 'converted peak' in run('analyze', model, '--plot', chart).stdout
  assert chart.read_bytes().startswith(b'\x89PNG')


def test_verify_finds_a_difference(model, tmp_path):
  run('convert', model)
  output = tmp_path / 'digits_patch.tflite'
  data = bytearray(output.read_bytes())
  from tflm_patch.graph.reader import parse_model

  graph = parse_model(bytes(data)).main
  constants = graph.tensors[graph.operators[0].inputs[-1]].data.tobytes()
  at = bytes(data).index(constants)
  for i in range(at, at + len(constants) // 2):
    data[i] ^= 0x11
  output.write_bytes(bytes(data))
  check = run('verify', model, output, '--inputs', 4)
  assert check.returncode == 1
  assert 'NOT bit-exact' in check.stdout or 'error' in check.stderr


def test_receptive_field(model):
  text = run('analyze', model, '--receptive-field').stdout
  assert 'patch on the image' in text and 'what makes patches overlap' in text
  arguments = ('--receptive-field', '--grid', '2x3', '--patch-depth', '3', '--json')
  found = json.loads(run('analyze', model, *arguments).stdout)
  stage = found['patch_stage']
  assert found['schema_version'] == 1 and stage['grid'] == [2, 3] and stage['depth'] == 3
  assert sum(row['in_stage'] for row in found['operators']) == 3
  assert stage['macs'] < stage['exact']['macs'] < stage['uniform']['macs']


ERRORS = [
  ([], 2),
  (['convert'], 2),
  (['nonsense'], 2),
  (['convert', 'MODEL', '--nonsense'], 2),
  (['convert', 'missing.tflite'], 1),
  (['convert', '.'], 1),
  (['convert', 'MODEL', '-o', 'no/such/folder.tflite'], 1),
  (['convert', 'MODEL', '-o', '.'], 1),
  (['convert', 'MODEL', '-o', 'MODEL'], 1),
  (['convert', 'MODEL', '--plugins', 'nonsense'], 1),
  (['verify', 'MODEL', 'missing.tflite'], 1),
  (['verify', 'MODEL', 'MODEL', '--inputs', '0'], 1),
  (['verify', 'MODEL', 'MODEL', '--inputs', 'missing.npy'], 1),
  (['analyze', 'MODEL', '--plot', 'no/such/chart.png'], 1),
  (['targets', 'stm32f764'], 1),
  (['targets', 'missing.json'], 1),
  (['analyze', 'MODEL', '--grid', '2x2'], 2),
  (['analyze', 'MODEL', '--patch-depth', '2'], 2),
  (['analyze', 'MODEL', '--receptive-field', '--plot', 'chart.png'], 2),
  (['analyze', 'MODEL', '--receptive-field', '--grid', '2'], 2),
  (['analyze', 'MODEL', '--receptive-field', '--patch-depth', '0'], 2),
  (['analyze', 'MODEL', '--receptive-field', '--patch-depth', '99'], 1),
  (['analyze', 'MODEL', '--receptive-field', '--grid', '99x2'], 1),
]


@pytest.mark.parametrize(('arguments', 'code'), ERRORS, ids=lambda value: str(value))
def test_errors_are_one_line(arguments, code, model, tmp_path):
  before = sorted(path.name for path in tmp_path.iterdir())
  done = run(*[str(model) if a == 'MODEL' else a for a in arguments], cwd=tmp_path)
  assert done.returncode == code
  assert 'Traceback' not in done.stderr
  if arguments:
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
  assert sorted(path.name for path in tmp_path.iterdir()) == before
