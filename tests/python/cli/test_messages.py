# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What users are told: what, why, and what to do."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from support.broken_models import edited
from support.model_builder import ModelBuilder
from support.model_core import options, quantized

from tflm_patch.arena import kernels
from tflm_patch.cli import main
from tflm_patch.errors import ModelError
from tflm_patch.graph.reader import OPCODES, parse_model
from tflm_patch.graph.types import DType, Operator
from tflm_patch.runtime.tflm import wheel_version


@pytest.fixture
def say(tmp_path, capsys):
  """Runs a command on a model; gives exit code and what it prints."""

  def run(data, command, *arguments):
    path = tmp_path / 'model.tflite'
    path.write_bytes(data)
    code = main.main([command, str(path), *arguments])
    printed = capsys.readouterr()
    return code, printed.out + printed.err

  return run


def unsupported(*opcodes: str, name: str = '', custom: str | None = None) -> bytes:
  """Two convolutions, then operators that no stage holds."""
  b = ModelBuilder(1)
  x = b.conv(b.conv(b.input((1, 16, 16, 3)), 8, 3), 4, 3)
  for opcode in opcodes:
    y = b.tensor(b.shape(x), DType.INT8, quantized(1 / 128, 0))
    if name:
      b.tensors[y].name = name
    b.operators.append(Operator(opcode, (x,), (y,), custom_name=custom))
    x = y
  b.output(x)
  return b.build()


def test_an_operator_that_no_stage_holds(say):
  _, text = say(unsupported('ZEROS_LIKE'), 'convert')
  assert 'stock: ZEROS_LIKE (1): a stage cannot hold ZEROS_LIKE' in text
  assert 'one that a stage can hold' not in text


def test_stock_operators_are_grouped_and_few(say):
  kinds = [name for name in sorted(kernels.KERNELS) if name not in ('IF', 'WHILE', 'CALL_ONCE')]
  supported = {'CONV_2D', 'ADD'}
  opcodes = [name for name in kinds if name not in supported][:40] * 2
  _, text = say(unsupported(*opcodes, name='x/' + 'y' * 500), 'convert')
  lines = text.split('\n')
  assert len([line for line in lines if line.startswith(('stock', '...'))]) <= 20
  assert max(map(len, lines)) < 400
  assert 'more kinds' in text


def test_operators_that_tflm_lacks(say):
  code, text = say(unsupported('GELU', 'GELU', 'TILE'), 'convert')
  assert code == 0 and 'it has no kernel for GELU (2), TILE (1); replace' in text
  assert 'no kernel' not in say(unsupported('EXP'), 'convert')[1]
  found = json.loads(say(unsupported('GELU'), 'convert', '--json')[1])
  assert found['missing_kernels'] == {'GELU': 1}


# Loads models, and prints of each that it is tried, and whether TFLM lacks its operator.
_TRIED = """
import sys
from tflm_patch.runtime.tflm import Interpreter, InterpreterError
for name in sys.argv[1:]:
  print('tried', name, flush=True)
  try:
    Interpreter(open(name, 'rb').read())
  except InterpreterError as error:
    if 'Failed to get registration' in str(error) or 'find op' in str(error):
      print('lacked', name, flush=True)
"""


@pytest.mark.slow
def test_the_table_of_kernels_is_tflms(tmp_path):
  pytest.importorskip('tflite_micro')
  names = [
    name
    for name in OPCODES.values()
    if name not in ('CUSTOM', 'DELEGATE') and not name.startswith('PLACEHOLDER')
  ]
  for name in names:
    b = ModelBuilder(1)
    x, y = b.input((1, 4)), b.tensor((1, 4), DType.INT8)
    b.operators.append(Operator(name, (x,), (y,)))
    b.output(y)
    (tmp_path / name).write_bytes(b.build())
  found, remaining = set(names), names
  while remaining:
    done = subprocess.run(
      [sys.executable, '-c', _TRIED, *remaining], cwd=tmp_path, capture_output=True, text=True
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    found -= {name for word, name in lines if word == 'lacked'}
    # A kernel that crashes on such a model is one that is there.
    count = sum(word == 'tried' for word, _ in lines)
    assert count, done.stderr
    remaining = remaining[count:]
  assert found == kernels.KERNELS, wheel_version()


@pytest.mark.parametrize(
  'command', [['convert'], ['convert', '--arena', '1KB'], ['analyze'], ['pareto']]
)
def test_memory_that_is_not_known_is_said(command, say):
  _, text = say(unsupported('CUSTOM', custom='TheirOperator'), *command)
  assert re.search('memory of TheirOperator is not known and comes on top', text)


def test_memory_that_is_not_known_in_json(say):
  data = unsupported('CUSTOM', custom='Mine')
  assert json.loads(say(data, 'pareto', '--json')[1])['unknown_memory'] == ['Mine']
  assert json.loads(say(data, 'convert', '--json')[1])['unknown_memory'] == ['Mine']


@pytest.mark.parametrize(
  ('custom', 'compiler'), [('ethos-u', 'Vela'), ('edgetpu-custom-op', 'the Edge TPU compiler')]
)
def test_models_of_another_compiler(custom, compiler, say):
  b = ModelBuilder(1)
  x = b.input((1, 8, 8, 3))
  scratch = b.tensor((1024,), DType.UINT8)  # nothing makes it
  y = b.tensor((1, 8, 8, 3), DType.INT8, quantized(0.1, 0))
  b.operators.append(Operator('CUSTOM', (x, scratch), (y,), custom_name=custom))
  b.output(y)
  code, text = say(b.build(), 'convert')
  assert code == 1 and f'compiled by {compiler}' in text and 'convert the model first' in text


def test_batches_are_told_how_to_export(say):
  b = ModelBuilder(1)
  b.output(b.conv(b.conv(b.input((4, 8, 8, 3)), 4, 3), 4, 3))
  _, text = say(b.build(), 'convert')
  assert 'keras.Input(batch_size=1)' in text


def test_a_stage_of_too_many_tensors(say):
  b = ModelBuilder(1)
  x = b.input((1, 8, 8, 3))
  b.output(*[b.conv(x, 2, 1) for _ in range(20)])
  _, text = say(b.build(), 'convert')
  assert 'at most 16 inputs and outputs, this one would have 1 and 20' in text


@pytest.mark.slow
def test_verify_names_the_model_that_tflm_refuses(tmp_path, say, capsys):
  pytest.importorskip('tflite_micro')
  good, bad = tmp_path / 'good.tflite', tmp_path / 'bad.tflite'
  bad.write_bytes(unsupported('GELU'))
  b = ModelBuilder(1)
  b.output(b.conv(b.conv(b.input((1, 16, 16, 3)), 8, 3), 4, 3))
  good.write_bytes(b.build())
  for pair in ((good, bad), (bad, good)):
    assert main.main(['verify', *map(str, pair)]) == 1
    assert f'error: {bad}: TFLM cannot load' in capsys.readouterr().err


# ---- names ----


def test_names_are_escaped_on_the_screen_and_kept_in_the_file(say, tmp_path):
  evil = '\x1b]0;title\x07\x1b[2J\nstock: nothing\r'
  data = unsupported('ZEROS_LIKE', name=evil)
  _, text = say(data, 'analyze')
  assert all(line.isprintable() for line in text.split('\n'))
  assert '\nstock: nothing' not in text
  say(data, 'convert')
  converted = (tmp_path / 'model_patch.tflite').read_bytes()
  assert converted != data and evil.encode() in converted


def test_operator_names_that_cannot_be_printed_are_refused():
  with pytest.raises(ModelError, match=r'an operator has the name .*x1b'):
    parse_model(unsupported('CUSTOM', custom='\x1b[2J'))


def test_names_that_are_not_utf8(say):
  data = edited(lambda tree: setattr(tree.subgraphs[0].tensors[0], 'name', b'\xff\x1b'))
  code, text = say(data, 'analyze')
  assert code == 0 and '\x1b' not in text


# ---- operators of odd shapes and types ----


def odd_axes(dtype: DType) -> bytes:
  b = ModelBuilder(1)
  x = b.conv(b.input((1, 16, 16, 3)), 8, 3)
  axes = b.constant([1, 2], DType.INT32)
  y = b.tensor((1, 8), DType.INT8, quantized(0.1, 0))
  b.add_operator('MEAN', (x, axes), y, options('ReducerOptions', keepDims=False))
  b.output(y)
  data = b.build()

  def change(tree):
    tensor = tree.subgraphs[0].tensors[axes]
    tensor.type = int(dtype)
    buffer = tree.buffers[tensor.buffer]
    buffer.data = buffer.data[: 2 * (dtype.bytes or 8)]

  return edited(change, data)


@pytest.mark.parametrize('dtype', [DType.BFLOAT16, DType.FLOAT16, DType.INT16, DType.BOOL])
@pytest.mark.parametrize('command', [['convert'], ['analyze'], ['analyze', '--receptive-field']])
def test_axes_of_odd_types(dtype, command, say):
  code, text = say(odd_axes(dtype), *command)
  assert code in (0, 1) and 'internal error' not in text


def unread() -> bytes:
  """The first operators' outputs nobody reads."""
  b = ModelBuilder(1)
  x = b.input((1, 12, 12, 3))
  b.abs(b.abs(x))
  b.add(x, x)
  x = b.depthwise(b.conv(x, 8, 3), 3, 2)
  b.relu(x)
  b.output(b.softmax(b.fully_connected(b.mean(b.conv(x, 8, 1)), 4)))
  return b.build()


@pytest.mark.slow
@pytest.mark.parametrize(
  'command',
  [
    ['convert'],
    ['analyze'],
    ['pareto'],
    ['convert', '--max-overhead', '1.5'],
    ['convert', '--schedule', 'patch', '--grid', '2x3'],
    ['convert', '--input-rows', '1'],
    ['convert', '--schedule', 'patch', '--grid', '1x2', '--patch-depth', '4'],
  ],
)
def test_outputs_that_nobody_reads(command, say, tmp_path):
  code, text = say(unread(), *command)
  assert 'internal error' not in text
  if code:
    assert 'patch depth' in text
  elif command[0] == 'convert':
    pytest.importorskip('tflite_micro')
    path = tmp_path / 'model_patch.tflite'
    assert main.main(['verify', str(tmp_path / 'model.tflite'), str(path), '--inputs', '4']) == 0


@pytest.mark.parametrize(
  ('arguments', 'reason'),
  [
    (['--minimize', 'calls', '--arena', '64KB'], '--arena takes the fastest plan'),
    (['--minimize', 'calls', '--allow-slower'], '--allow-slower and --minimize calls exclude'),
    (['--minimize', 'cycles', '--allow-slower'], '--allow-slower and --minimize cycles exclude'),
    (['--minimize', 'cycles', '--schedule', 'layer'], '--minimize cycles needs --schedule auto'),
    (['--balance'], '--balance needs --input-rows'),
    (['--balance', '--input-rows', '1', '--minimize', 'calls'], '--balance and --minimize calls'),
    (['--balance', '--input-rows', '1', '--schedule', 'stream'], '--balance needs --schedule auto'),
    (['--schedule', 'layer', '--allow-slower'], '--allow-slower needs --schedule auto'),
    (['--minimize', 'macs'], "invalid choice: 'macs'"),
  ],
)
def test_options_that_exclude_each_other(arguments, reason, say):
  code, text = say(b'not even read', 'convert', *arguments)
  assert code != 0 and reason in text and text.count('\n') == 1
