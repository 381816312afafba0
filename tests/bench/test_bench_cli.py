# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch bench, as a user meets it."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from tflm_patch.graph.reader import read_model
from tflm_patch.on_device import scheme_file
from tflm_patch.on_device.network import TRAINABLE
from tflm_patch.on_device.scheme import LayerUpdate, Scheme
from tflm_patch.sample.sample import sample_model_path

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
ROOT = pathlib.Path(__file__).resolve().parents[2]
needs_m4 = pytest.mark.skipif(
  not all(map(shutil.which, ('arm-none-eabi-gcc', 'qemu-system-arm'))),
  reason='arm-none-eabi-gcc or qemu-system-arm is not installed',
)


def run(*arguments, **environment):
  return subprocess.run(
    [sys.executable, '-m', 'tflm_patch.cli.main', 'bench', *map(str, arguments)],
    env={**os.environ, **environment},
    capture_output=True,
    text=True,
  )


def error_of(done, code):
  assert done.returncode == code
  (line,) = done.stderr.splitlines()
  assert line.startswith('tflm-patch: error: ')
  return line


@needs_m4
def test_the_sample_in_json():
  done = run(sample_model_path(), '--target', 'NRF52840', '--json')
  assert done.returncode == 0, done.stderr
  found = json.loads(done.stdout)
  assert found['schema_version'] == 2
  assert found['cpu'] == 'cortex-m4' and found['bit_exact'] is True
  for name in ('instructions', 'macs', 'workspace', 'stack', 'code_bytes'):
    assert isinstance(found[name], int) and found[name] > 0, name
  kernels = sum(operator['instructions'] for operator in found['operators'])
  assert kernels + found['executor_instructions'] == found['instructions']
  assert sum(operator['macs'] for operator in found['operators']) == found['macs']
  (estimate,) = found['estimates']
  assert estimate['target'] == 'nrf52840'
  if found['cycles'] is None:
    assert found['cycles_missing']
    return
  low, high = found['cycles_bounds']
  assert found['instructions'] < low < found['cycles'] < high
  assert found['wait_states'] == 0 and found['wait_cycles'] == 0
  assert 'Technical Reference Manual' in found['cycles_model']
  kernels = sum(operator['cycles'] for operator in found['operators'])
  assert kernels + found['executor_cycles'] == found['cycles'] == estimate['cycles']


@needs_m4
def test_the_sample_as_a_table():
  done = run(sample_model_path(), '--cpu=m4', '-O', 'O2')
  assert done.returncode == 0, done.stderr
  assert 'every output byte equal to the original model' in done.stdout
  assert 'estimates, not measured' in done.stdout and '-O2' in done.stdout
  first = done.stdout.splitlines()[1]
  assert first.startswith('CONV_2D')


def test_missing_programs(tmp_path):
  line = error_of(run(sample_model_path(), '--cpu', 'm4', PATH=str(tmp_path)), 1)
  assert 'arm-none-eabi-gcc is not installed' in line
  assert 'apt-get install gcc-arm-none-eabi' in line
  compiler = tmp_path / 'arm-none-eabi-gcc'
  compiler.touch(mode=0o755)
  line = error_of(run(sample_model_path(), '--cpu', 'm4', PATH=str(tmp_path)), 1)
  assert line.endswith('apt-get install qemu-system-arm')


@needs_m4
def test_a_compiler_that_fails(tmp_path):
  compiler = tmp_path / 'arm-none-eabi-gcc'
  compiler.write_text('#!/bin/sh\necho "fatal error: string.h: No such file" >&2\nexit 1\n')
  compiler.chmod(0o755)
  path = f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'
  line = error_of(run(sample_model_path(), '--cpu', 'm4', PATH=path), 1)
  assert 'string.h' in line and 'libnewlib-arm-none-eabi' in line


@pytest.mark.parametrize(
  ('arguments', 'code', 'text'),
  [
    ((), 2, 'needs --cpu or --target'),
    (('--cpu', 'z80'), 1, 'unknown CPU "z80"'),
    (('--target', 'esp32s3'), 2, 'no Xtensa LX7 can be emulated'),
    (('--target', 'stm32f746', '--cpu', 'm4'), 2, 'is Arm Cortex-M7, not cortex-m4'),
    (('--cpu', 'm4', '-O', 'O9'), 2, 'optimization'),
    (('--cpu', 'm4', 'another'), 2, 'superfluous: another'),
    (('--cpu', 'm4', '--wait-states', '-1'), 2, 'wait-states'),
    (('--cpu', 'm55', '--wait-states', '5'), 2, 'no timings of the cortex-m55'),
  ],
)
def test_wrong_command_lines(arguments, code, text):
  assert text in error_of(run(sample_model_path(), *arguments), code)


@needs_m4
@pytest.mark.parametrize('content', [None, b'', b'not a model', 'half'])
def test_files_that_are_no_models(tmp_path, content):
  path = tmp_path / 'model.tflite'
  if content == 'half':
    data = sample_model_path().read_bytes()
    path.write_bytes(data[: len(data) // 2])
  elif content is not None:
    path.write_bytes(content)
  assert 'model.tflite' in error_of(run(path, '--cpu', 'm4'), 1)


def scheme_of_the_sample(folder, channel=0):
  """Trains the last layer's biases and a channel of its weights."""
  model = read_model(sample_model_path())
  last = max(i for i, op in enumerate(model.main.operators) if op.opcode in TRAINABLE)
  scheme = Scheme((LayerUpdate(last, True, (channel,)),))
  path = folder / 'scheme.json'
  path.write_text(json.dumps(scheme_file.to_json(scheme)))
  return path


@needs_m4
def test_a_training_step(tmp_path):
  scheme = scheme_of_the_sample(tmp_path)
  done = run(sample_model_path(), '--train', scheme, '--cpu', 'm4', '--json')
  assert done.returncode == 0, done.stderr
  found = json.loads(done.stdout)
  assert found['schema_version'] == 1 and found['memory'] == found['memory_planned']
  # Below 1 where the memory of the step gives the forward pass more scratch.
  assert 0.9 < found['ratio'] < 1.2 and found['stack'] > 100
  assert found['instructions_step'] == pytest.approx(
    found['ratio'] * found['instructions_inference'], 1e-3
  )
  assert found['parts'][0]['name'] == 'forward' and found['parts'][-1]['name'].endswith('backward')
  if found['cycles'] is not None:
    assert found['cycles'] == sum(part['cycles'] for part in found['parts'])
    assert found['cycles'] > found['instructions_step']
    assert found['cycles_missing'] is None
  done = run(sample_model_path(), '--train', scheme, '--target', 'nrf52840')
  assert done.returncode == 0, done.stderr
  assert 'times an inference' in done.stdout and 'as planned' in done.stdout
  assert 'nrf52840' in done.stdout


@needs_m4
def test_a_scheme_of_another_model(tmp_path):
  scheme = scheme_of_the_sample(tmp_path, channel=4000)
  line = error_of(run(sample_model_path(), '--train', scheme, '--cpu', 'm4'), 1)
  assert 'channel 4000' in line
