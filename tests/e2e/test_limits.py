# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Small files that describe huge models: converted or refused, in bounded memory and time."""

from __future__ import annotations

import json
import os
import resource
import struct
import subprocess
import sys

import numpy as np
import pytest
from support.broken_models import old_uint8
from support.model_builder import ModelBuilder
from support.model_core import options, quantized

from tflm_patch.graph.types import DType
from tflm_patch.planner import limits

FILE_BYTES = 1_000_000
MEGABYTES = 1000
CPU_SECONDS = 60
# Runs the tool, then prints the most memory, in kB, and the seconds that it took.
_MEASURED = """
import resource, sys
from tflm_patch.cli.main import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
print('used', used.ru_maxrss, used.ru_utime + used.ru_stime, file=sys.stderr)
sys.exit(code)
"""


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
  """The tool with limits; its own use of memory and time is within ours."""
  done = subprocess.run(
    [sys.executable, '-c', _MEASURED, *map(str, arguments)],
    capture_output=True,
    text=True,
    check=False,
    env={**os.environ, 'OPENBLAS_NUM_THREADS': '1'},
    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS)),
  )
  assert done.returncode in (0, 1), done.stderr
  assert 'Traceback' not in done.stderr and 'internal error' not in done.stderr
  *messages, used = done.stderr.strip().split('\n')
  assert len(messages) == done.returncode
  assert int(used.split()[1]) < MEGABYTES * 1000, used
  return done


def tall(operators: int, rows: int = 65535, kernel: int = 3, cols: int = 1) -> ModelBuilder:
  b = ModelBuilder(1)
  x = b.input((1, rows, cols, 1))
  for _ in range(operators):
    x = b.conv(x, 1, (kernel, 1 if cols == 1 else kernel))
  b.output(x)
  return b


def long(operators: int, rows: int = 4) -> ModelBuilder:
  b = ModelBuilder(1)
  x = b.input((1, rows, 4, 2))
  for _ in range(operators):
    x = b.abs(x)
  b.output(x)
  return b


def islands(count: int) -> ModelBuilder:
  b = ModelBuilder(1)
  b.output(*[b.abs(b.input((1, 4, 4, 2))) for _ in range(count)])
  return b


def alternating(count: int) -> ModelBuilder:
  """Every second operator is one that no stage holds."""
  b = ModelBuilder(1)
  x = b.input((1, 4, 4, 2))
  for _ in range(count):
    x = b.abs(x)
    y = b.tensor((1, 4, 4, 2), DType.INT8, quantized(1 / 128, 0))
    x = b.add_operator('L2_NORMALIZATION', (x,), y, options('L2NormOptions'))
    b._spread[x] = b.spread(0)
  b.output(x)
  return b


CASES = {
  'tall by rows': (lambda: tall(12), ('convert', '--input-rows', '1'), 'rows'),
  'tall': (lambda: tall(12), ('analyze',), ''),
  'less tall': (lambda: tall(12, 32000), ('analyze',), ''),
  'hardly tall by rows': (lambda: tall(12, 2000), ('convert', '--input-rows', '1'), ''),
  'huge': (lambda: tall(3, cols=30000), ('analyze',), ''),
  'huge in patches': (
    lambda: tall(3, cols=30000),
    ('convert', '--schedule', 'patch', '--grid', '100x100'),
    'operators',
  ),
  'longer': (lambda: long(7000), ('convert',), ''),
  'long and tall': (lambda: long(3000, 60000), ('convert',), ''),
  'islands': (lambda: islands(3500), ('convert',), ''),
  'alternating': (lambda: alternating(3300), ('convert',), ''),
}


@pytest.mark.slow
@pytest.mark.parametrize('name', CASES)
def test_bounded(name, tmp_path):
  make, (command, *arguments), refusal = CASES[name]
  data = make().build()
  assert len(data) < FILE_BYTES
  path, output = tmp_path / 'model.tflite', tmp_path / 'out.tflite'
  path.write_bytes(data)
  written = ['-o', output] if command == 'convert' else []
  done = run(command, path, *arguments, *written)
  if refusal:
    assert done.returncode == 1 and refusal in done.stderr and not output.exists()
  else:
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_long_run_becomes_several_stages(tmp_path):
  path = tmp_path / 'model.tflite'
  path.write_bytes(long(limits.MAX_OPS_OF_REGION + 100).build())
  done = run('convert', path, '--json')
  stages = json.loads(done.stdout)['stages']
  assert [stage['operators'] for stage in stages] == [limits.MAX_OPS_OF_REGION, 100]


def header_only(shape: tuple[int, ...]) -> bytes:
  """A .npy file that says much and holds nothing."""
  text = repr({'descr': '|i1', 'fortran_order': False, 'shape': shape}).encode()
  text += b' ' * (-(len(text) + 11) % 64) + b'\n'
  return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(text)) + text


@pytest.mark.parametrize(
  'content',
  [
    header_only((1, 12, 12, 3, 100_000_000)),
    header_only((1 << 62, 1 << 62)),
    header_only((3, 8, 8, 3)) + bytes(100),
    header_only((-1, 8, 8, 3)),
    b'\x93NUMPY\x09\x00',
    b'\x93NUMPY\x02\x00\xff\xff\xff\xff{',
    b'',
    b'text',
  ],
)
def test_array_files_that_lie(content, tmp_path):
  b = ModelBuilder(1)
  b.output(b.conv(b.input((1, 8, 8, 3)), 4, 3))
  model, inputs = tmp_path / 'model.tflite', tmp_path / 'inputs.npy'
  model.write_bytes(b.build())
  inputs.write_bytes(content)
  done = run('verify', model, model, '--inputs', inputs)
  assert done.returncode == 1 and 'inputs.npy: cannot be read as .npy' in done.stderr


@pytest.mark.parametrize('order', ['C', 'F'])
def test_array_files_are_used(order, tmp_path):
  b = ModelBuilder(1)
  b.output(b.conv(b.input((1, 8, 8, 3)), 4, 3))
  model, inputs = tmp_path / 'model.tflite', tmp_path / 'inputs.npy'
  model.write_bytes(b.build())
  values = np.random.default_rng(1).integers(-128, 128, (5, 8, 8, 3))
  np.save(inputs, np.asarray(values, np.int8, order))
  done = run('verify', model, model, '--inputs', inputs, '--json')
  assert json.loads(done.stdout)['inputs'] == 5


def test_uint8_models_come_back_with_the_reason(tmp_path):
  path = tmp_path / 'model.tflite'
  path.write_bytes(old_uint8())
  done = run('convert', path)
  assert 'unchanged: TFLM cannot run this model' in done.stdout and 'to int8' in done.stdout
  assert (tmp_path / 'model_patch.tflite').read_bytes() == path.read_bytes()
