# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Chains of SPACE_TO_BATCH_ND become dilated convolutions, exactly where they cancel."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from support.compare import assert_same_bytes, check_conversion
from support.dilated_chains import as_tensorflow_writes
from support.model_builder import ModelBuilder

from tflm_patch.analysis.verification import verify
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.runtime.undefined import reads_undefined_memory

FORCED = ConvertOptions(force_stage=True)
INPUTS = 8
ENDS = {'SPACE_TO_BATCH_ND', 'BATCH_TO_SPACE_ND'}


def network(kind: str, shape, kernel, dilation, padding: str, activation: str = 'NONE') -> Model:
  """A convolution, a dilated one, a pointwise one, of batch size 1."""
  b = ModelBuilder(3)
  x = b.conv(b.input(shape, zero_point=11), 5, kernel=1)
  options = {'dilation': dilation, 'padding': padding, 'activation': activation}
  x = b.depthwise(x, 2, kernel, **options) if kind == 'dw' else b.conv(x, 6, kernel, **options)
  b.output(b.conv(x, 3, kernel=1))
  return b.model()


def opcodes(data: bytes) -> set[str]:
  return {operator.opcode for operator in parse_model(data).main.operators}


def check_equals(data: bytes, wanted: bytes):
  """Converts; the outputs are those of another model in TFLM."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  result = convert_model(data, FORCED)
  ours, theirs = Interpreter(result.data), Interpreter(wanted)
  for arrays in itertools.islice(sample_inputs(parse_model(wanted), INPUTS, 0), INPUTS):
    assert_same_bytes(theirs.invoke(arrays), ours.invoke(arrays))
  return result


CASES = [
  ((1, 16, 16, 3), 3, 2, 'SAME', 'NONE'),
  ((1, 17, 13, 3), 3, (2, 3), 'SAME', 'NONE'),
  ((1, 17, 16, 3), 3, 2, 'VALID', 'RELU'),
  ((1, 9, 9, 3), 3, 6, 'SAME', 'NONE'),
  ((1, 14, 15, 3), (2, 5), (3, 2), 'SAME', 'RELU6'),
  ((1, 12, 20, 3), (4, 1), (2, 4), 'VALID', 'NONE'),
]


@pytest.mark.parametrize('kind', ['conv', 'dw'])
@pytest.mark.parametrize('case', CASES, ids=str)
def test_equals_the_export_of_batch_size_1(kind, case):
  model = network(kind, *case)
  data = as_tensorflow_writes(model)
  result = check_equals(data, serialize_model(model))
  assert not opcodes(data).isdisjoint(ENDS) and opcodes(result.data).isdisjoint(ENDS)
  assert len(result.stages) == 1 and len(result.model.main.operators) == 1
  assert len(result.notes) == 1 and 'undefined' in result.notes[0]
  assert result.to_json()['notes'] == list(result.notes)


@pytest.mark.parametrize('activation', ['NONE', 'RELU'])
@pytest.mark.parametrize('line', [False, True], ids=['map', 'line'])
def test_a_chain_that_tflm_defines_keeps_its_bytes(line, activation):
  """With all images in the file, and nothing padded, TFLM computes the chain: so do we."""
  shape, kernel = ((1, 1, 16, 3), (1, 3)) if line else ((1, 12, 16, 3), 3)
  dilation = (1, 4) if line else (2, 4)
  model = network('conv', shape, kernel, dilation, 'VALID', activation)
  data = as_tensorflow_writes(model, lost_batch=False, line=line)
  result = check_conversion(data, FORCED, INPUTS)
  assert opcodes(result.data).isdisjoint(ENDS)
  assert result.notes == ()


def test_padding_of_all_images_is_undefined_too():
  model = network('conv', (1, 16, 16, 3), 3, 2, 'SAME')
  data = as_tensorflow_writes(model, lost_batch=False)
  result = check_equals(data, serialize_model(model))
  assert 'pads with a value' in result.notes[0]


def tcn(line_of: int = 61) -> Model:
  b = ModelBuilder(5)
  x = b.conv(b.input((1, 1, line_of, 8)), 16, kernel=(1, 3))
  for dilation in (1, 2, 4, 8):
    y = b.conv(x, 16, kernel=(1, 3), dilation=(1, dilation), activation='RELU')
    y = b.conv(y, 16, kernel=(1, 3), dilation=(1, dilation))
    x = b.add(x, y, 'RELU')
  b.output(b.fully_connected(b.mean(x), 4))
  return b.model()


@pytest.mark.parametrize('size', [61, 64])
def test_a_network_of_four_blocks_becomes_one_stage(size):
  model = tcn(size)
  result = check_equals(as_tensorflow_writes(model, line=True), serialize_model(model))
  assert [operator.opcode for operator in result.model.main.operators] == ['CUSTOM']
  static = convert_model(serialize_model(model), FORCED)
  assert result.converted_arena.total <= static.converted_arena.total


def spoiled(what: str) -> bytes:
  """A chain that no dilated convolution equals, or that others look into."""
  data = as_tensorflow_writes(network('conv', (1, 16, 16, 3), 3, 2, 'SAME'), lost_batch=False)
  model = parse_model(data)
  graph = model.main
  at = next(i for i, op in enumerate(graph.operators) if op.opcode == 'SPACE_TO_BATCH_ND')
  first, inner, last = graph.operators[at : at + 3]
  numbers = graph.tensors[last.inputs[2 if what == 'crops' else 1]]
  if what == 'crops':
    numbers.data = np.array([4, 0, 0, 0], '<i4').view(np.uint8)
    target = graph.tensors[last.outputs[0]]
    graph.tensors[last.outputs[0]] = dataclasses.replace(target, shape=(1, 12, 16, 6))
    graph.tensors[graph.outputs[0]] = dataclasses.replace(
      graph.tensors[graph.outputs[0]], shape=(1, 12, 16, 3)
    )
  elif what == 'blocks':
    last.inputs = (last.inputs[0], len(graph.tensors), last.inputs[2])
    graph.tensors.append(
      dataclasses.replace(numbers, data=np.array([4, 1], '<i4').view(np.uint8), name='other')
    )
  elif what == 'reader':
    graph.outputs = (*graph.outputs, first.outputs[0])
  elif what == 'stride':
    inner.options.strideH = 2
    for t, rows in ((inner.outputs[0], 4), (last.outputs[0], 8), (graph.outputs[0], 8)):
      shape = graph.tensors[t].shape
      graph.tensors[t] = dataclasses.replace(graph.tensors[t], shape=(shape[0], rows, *shape[2:]))
  return serialize_model(model)


@pytest.mark.parametrize('what', ['crops', 'blocks', 'reader', 'stride'])
def test_other_chains_stay(what):
  result = convert_model(spoiled(what), FORCED)
  assert opcodes(result.data) >= ENDS
  assert not any(change.plugin == 'fold_dilation' for change in result.changes)


def test_without_stages_the_defined_form_is_written():
  model = network('conv', (1, 16, 16, 3), 3, 2, 'SAME')
  options = ConvertOptions(plugins=('-stage',))
  assert not convert_model(as_tensorflow_writes(model), options).changed
  b = ModelBuilder(3)
  b.output(b.conv(b.input((1, 9, 9, 2)), 2, dilation=2, bias=False))
  result = convert_model(as_tensorflow_writes(b.model()))
  assert result.changed and result.notes and opcodes(result.data).isdisjoint(ENDS)


# ---- verification ----


def files(tmp_path, original: bytes):
  result = convert_model(original, FORCED)
  paths = tmp_path / 'model.tflite', tmp_path / 'model_patch.tflite'
  for path, data in zip(paths, (original, result.data)):
    path.write_bytes(data)
  return paths


@pytest.mark.slow
@pytest.mark.parametrize('line', [False, True], ids=['map', 'line'])
def test_verify_compares_with_the_defined_form(tmp_path, line):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  shape, kernel, dilation = ((1, 1, 16, 3), (1, 3), (1, 2)) if line else ((1, 16, 16, 3), 3, 2)
  data = as_tensorflow_writes(network('conv', shape, kernel, dilation, 'VALID'), line=line)
  check = verify(*files(tmp_path, data), inputs=4)
  assert check.bit_exact and check.original_undefined
  assert 'two runs' in check.notes[0] and 'dilated' in check.notes[0]


@pytest.mark.slow
def test_verify_still_finds_wrong_bytes_of_an_undefined_original(tmp_path):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  original, _ = files(tmp_path, as_tensorflow_writes(network('conv', (1, 16, 16, 3), 3, 2, 'SAME')))
  model = network('conv', (1, 16, 16, 3), 3, 2, 'SAME')
  bias = model.main.tensors[model.main.operators[1].inputs[2]]
  bias.data = (bias.data.view('<i4') + 20000).view(np.uint8)
  wrong = tmp_path / 'wrong.tflite'
  wrong.write_bytes(serialize_model(model))
  check = verify(original, wrong, inputs=4)
  assert not check.bit_exact and check.original_undefined and check.mismatch is not None


@pytest.mark.slow
def test_verify_does_not_blame_the_conversion_where_nothing_is_right(tmp_path):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  b = ModelBuilder(1)
  x = b.input((1, 8, 8, 4), zero_point=7)
  y = b.tensor((4, 6, 6, 4), DType.INT8, b.quantization(x))
  b.add_operator('SPACE_TO_BATCH_ND', (x, b.int32([2, 2]), b.int32([[2, 2], [2, 2]])), y)
  b.output(y)
  data = b.build()
  assert reads_undefined_memory(data, [[np.zeros((1, 8, 8, 4), np.int8)]])
  b = ModelBuilder(1)
  x = b.input((1, 8, 8, 4), zero_point=7)
  y = b.conv(b.pad_spatial(x, 2, 2, 2, 2), 4, kernel=1)
  b.output(b.reshape(y, (4, 6, 6, 4)))
  paths = tmp_path / 'a.tflite', tmp_path / 'b.tflite'
  paths[0].write_bytes(data)
  paths[1].write_bytes(b.build())
  check = verify(*paths, inputs=3)
  assert not check.bit_exact and check.original_undefined
  assert 'no right bytes' in check.notes[0]


def test_defined_models_are_not_called_undefined():
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  model = network('conv', (1, 16, 16, 3), 3, 2, 'SAME')
  inputs = list(itertools.islice(sample_inputs(model, 3, 0), 3))
  assert not reads_undefined_memory(serialize_model(model), inputs)
