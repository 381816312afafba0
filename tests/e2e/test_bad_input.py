# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Bad input ends in one line that names the file and the reason, and writes nothing."""

import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest
from support import broken_models
from support.broken_models import BROKEN, GAIN_NOTHING, MUTATIONS
from support.effort import examples
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert, convert_model
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType

_ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = 'some_model.tflite'
SECONDS_PER_MODEL = 20
MUTATIONS_PER_CASE = 150


def command(*arguments: object) -> subprocess.CompletedProcess:
  """Runs the command line tool."""
  path = os.pathsep.join([str(_ROOT), os.environ.get('PYTHONPATH', '')])
  return subprocess.run(
    [sys.executable, '-m', 'tflm_patch.cli.main', *map(str, arguments)],
    capture_output=True,
    text=True,
    timeout=120,
    check=False,
    env={**os.environ, 'PYTHONPATH': path},
  )


def contents(folder: pathlib.Path) -> dict[str, bytes | None]:
  return {
    str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
    for path in sorted(folder.rglob('*'))
  }


def check_failure(result: subprocess.CompletedProcess, name: object, word: str) -> None:
  """Exit code 1 and one line of text with the file's name and the reason."""
  assert result.returncode == 1, result.stderr
  assert 'Traceback' not in result.stdout + result.stderr
  lines = [line for line in result.stderr.splitlines() if line.strip()]
  assert len(lines) == 1, result.stderr
  assert str(name) in lines[0]
  assert word in lines[0]
  assert result.stdout.strip() == ''


@pytest.fixture
def model(tmp_path):
  path = tmp_path / 'model.tflite'
  path.write_bytes(broken_models.healthy())
  return path


# ---- broken models ----


def test_the_healthy_model_is_healthy(model):
  assert convert(model).changed


@pytest.mark.parametrize('name', BROKEN)
def test_broken_model_from_python(name, tmp_path):
  make, word = BROKEN[name]
  path = tmp_path / SOURCE
  path.write_bytes(make())
  before = contents(tmp_path)
  with pytest.raises(TflmPatchError) as error:
    convert(path)
  message = str(error.value)
  assert '\n' not in message
  assert str(path) in message
  assert word in message
  assert contents(tmp_path) == before


@pytest.mark.parametrize('name', BROKEN)
def test_broken_model_from_the_command_line(name, tmp_path):
  make, word = BROKEN[name]
  path = tmp_path / SOURCE
  path.write_bytes(make())
  before = contents(tmp_path)
  check_failure(command('convert', path), path, word)
  assert contents(tmp_path) == before


# ---- broken files ----


def test_directory(tmp_path):
  check_failure(command('convert', tmp_path), tmp_path, '')
  assert contents(tmp_path) == {}


def test_missing_file(tmp_path):
  path = tmp_path / 'not_there.tflite'
  check_failure(command('convert', path), path, 'no such file')
  assert contents(tmp_path) == {}


def test_file_that_never_ends(tmp_path):
  check_failure(command('convert', '/dev/zero', '-o', tmp_path / 'out'), '/dev/zero', 'regular')
  assert contents(tmp_path) == {}


@pytest.mark.parametrize(
  'output', ['no_such_folder/out.tflite', 'model.tflite/out.tflite', 'folder']
)
def test_unwritable_output(output, model, tmp_path):
  (tmp_path / 'folder').mkdir()
  before = contents(tmp_path)
  check_failure(command('convert', model, '-o', tmp_path / output), tmp_path / output, '')
  assert contents(tmp_path) == before


def test_input_is_not_overwritten(model, tmp_path):
  before = contents(tmp_path)
  check_failure(command('convert', model, '-o', model), model, 'input')
  assert contents(tmp_path) == before


def test_output_folder_without_permission(model, tmp_path):
  if os.geteuid() == 0:
    pytest.skip('the superuser may write anywhere')
  folder = tmp_path / 'locked'
  folder.mkdir(mode=0o500)
  check_failure(command('convert', model, '-o', folder / 'out'), folder / 'out', 'permission')
  assert contents(folder) == {}


def test_unknown_plugin(model, tmp_path):
  before = contents(tmp_path)
  check_failure(command('convert', model, '--plugins', 'no_such'), 'no_such', '')
  assert contents(tmp_path) == before


# ---- models that gain nothing ----


@pytest.mark.parametrize('force', [False, True])
@pytest.mark.parametrize('name', GAIN_NOTHING)
def test_nothing_gained_from_python(name, force):
  make, word = GAIN_NOTHING[name]
  data = make()
  result = convert_model(data, ConvertOptions(force_stage=force), SOURCE)
  assert not result.changed
  assert result.data == data
  assert word in result.reason
  assert '\n' not in result.reason
  assert result.stages == ()
  assert result.converted_arena == result.original_arena


@pytest.mark.parametrize('name', GAIN_NOTHING)
def test_nothing_gained_from_the_command_line(name, tmp_path):
  make, word = GAIN_NOTHING[name]
  path, output = tmp_path / SOURCE, tmp_path / 'out.tflite'
  path.write_bytes(make())
  result = command('convert', path, '-o', output, '--json')
  assert result.returncode == 0, result.stderr
  report = json.loads(result.stdout)
  assert report['changed'] is False
  assert word in report['reason']
  assert output.read_bytes() == path.read_bytes()


# ---- mutations ----


def _float_io() -> bytes:
  b = ModelBuilder(3)
  x = b.quantize(b.transpose(b.input((1, 2, 5, 4), DType.FLOAT32), (0, 2, 3, 1)))
  x = b.conv(b.pad_spatial(x, 1, 1, 1, 1), 3, padding='VALID', per_channel=False)
  x = b.concat([x, b.max_pool(x, 3, 1, 'SAME')])
  b.output(b.dequantize(b.mean(b.logistic(b.resize_nearest(x, 10, 8)))))
  return b.build()


def _gated() -> bytes:
  b = ModelBuilder(4)
  x = b.conv(b.input((1, 6, 5, 2)), 4, bias=False, groups=2)
  y = b.relu6(b.conv(b.mean(x), 4, 1))
  x = b.mul(x, y)
  x = b.average_pool(b.add(x, b.constant_operand((1, 1, 1, 4))), (6, 5), 1)
  b.output(x, b.softmax(b.reshape(x, (1, 4))))
  return b.build()


BASES = {
  'healthy': broken_models.healthy,
  'float_io': _float_io,
  'gated': _gated,
  'svdf': broken_models.svdf,
}


@pytest.mark.parametrize('mutate', MUTATIONS, ids=lambda mutate: mutate.__name__)
@pytest.mark.parametrize('base', BASES)
def test_mutations(base, mutate):
  """A mutated model is refused in one line, or converted into a model that can be read."""
  data = BASES[base]()
  refused = 0
  for seed in range(examples(MUTATIONS_PER_CASE)):
    mutant = mutate(data, np.random.default_rng(seed))
    start = time.process_time()
    try:
      result = convert_model(mutant, ConvertOptions(force_stage=seed % 2 == 0), SOURCE)
    except TflmPatchError as error:
      refused += 1
      assert '\n' not in str(error)
      assert SOURCE in str(error)
    except Exception as error:
      raise AssertionError(f'{mutate.__name__} of {base}, seed {seed}: {error!r}') from error
    else:
      if result.changed:
        parse_model(result.data)
      else:
        assert result.data == mutant
        assert result.reason
    assert time.process_time() - start < SECONDS_PER_MODEL, f'seed {seed} takes too long'
  assert refused


def test_mutations_from_the_command_line(tmp_path):
  """The same through the tool, for some: never a traceback, never a half-written file."""
  path = tmp_path / SOURCE
  for seed in range(12):
    mutate = MUTATIONS[seed % len(MUTATIONS)]
    path.write_bytes(mutate(broken_models.healthy(), np.random.default_rng(1000 + seed)))
    before = contents(tmp_path)
    result = command('convert', path)
    if result.returncode == 0:
      (tmp_path / 'some_model_patch.tflite').unlink()
    else:
      check_failure(result, path, '')
    assert contents(tmp_path) == before
