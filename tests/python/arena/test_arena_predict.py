# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The prediction against TFLM's interpreter, and what it says of models TFLM refuses."""

import dataclasses
import struct
import time
from types import SimpleNamespace

import arena_operator_cases as operator_cases
import numpy as np
import pytest
from arena_models import FLOAT32, SmallModel
from arena_random_models import random_model

from tflm_patch.api import convert
from tflm_patch.arena import (
  FIRMWARE_32,
  buffers_during,
  memory_over_time,
  operators,
  peak_operators,
  predict,
)
from tflm_patch.graph.reader import read_model
from tflm_patch.graph.types import DType, Model, Operator, Quantization, Subgraph, Tensor
from tflm_patch.program.encode import header_alone
from tflm_patch.runtime.arena_measurement import smallest_arena
from tflm_patch.runtime.tflm import Interpreter, InterpreterError

CASES = [
  pytest.param(case, id=f'{name}-{number}')
  for name, cases in operator_cases.CASES.items()
  for number, case in enumerate(cases)
]
# Bytes that `required` may exceed the smallest arena of a tiny model by.
SLACK = 112


def check(model, data, build, reported):
  prediction = predict(model, build=build)
  assert (prediction.head, prediction.tail) == reported(data)
  assert prediction.total == prediction.head + prediction.tail
  assert prediction.exact
  assert prediction.unknown_operators == ()
  return prediction


def test_every_operator_of_the_table_has_a_case():
  assert set(operators.known()) == set(operator_cases.CASES) | {'TflmPatchStage'}


@pytest.mark.parametrize('case', CASES)
def test_operators_exactly(case, parse, build, reported):
  data = case()
  prediction = check(parse(data), data, build, reported)
  Interpreter(data, arena_bytes=prediction.required)


@pytest.mark.slow
@pytest.mark.parametrize('name', ['CONV_2D', 'MEAN', 'IF', 'SPLIT', 'CONCATENATION'])
def test_the_smallest_arena_of_tiny_models(name, parse, build):
  data = operator_cases.CASES[name][0]()
  assert 0 <= predict(parse(data), build=build).required - smallest_arena(data) <= SLACK


@pytest.mark.parametrize('start', range(0, 200, 20))
def test_random_graphs_exactly(start, parse, build, reported):
  for seed in range(start, start + 20):
    data = random_model(seed)
    check(parse(data), data, build, reported)


def test_shapes_that_reshape_fills_in(build, reported):
  """An open dimension, and tensors without elements, which need no memory."""
  shapes = [(1, 5, 7, 3), (1, -1), (1, -1), (0,)]
  file, tensors = SmallModel(), []
  for i, shape in enumerate(shapes):
    file.tensor(shape)
    quantization = Quantization(np.float32([0.5]), np.int64([0]))
    tensors.append(Tensor(f't{i}', shape, DType.INT8, quantization=quantization))
  ops = [unary('RESHAPE', 0, 1), unary('RESHAPE', 1, 2)]
  for op in ops:
    file.op(op.opcode, op.inputs, op.outputs)
  file.interface([0], [2])
  check(Model([Subgraph(tensors, ops, (0,), (2,))]), file.build(), build, reported)


def test_scales_without_zero_points(parse, build, reported):
  model = SmallModel()
  read, write = model.tensor((13,), zero_point=None), model.tensor((13,))
  model.op('RELU', [read], [write])
  model.interface([read], [write])
  data = model.build()
  check(parse(data), data, build, reported)


@pytest.mark.slow
def test_real_models_exactly(models, build, reported):
  for path in models.values():
    data = path.read_bytes()
    prediction = check(read_model(path), data, build, reported)
    Interpreter(data, arena_bytes=prediction.required)
    with pytest.raises(InterpreterError):
      Interpreter(data, arena_bytes=prediction.required - 16)


@pytest.mark.slow
@pytest.mark.parametrize('name', ['mlperf_kws_int8', 'mcunet_detection'])
def test_converted_models_exactly(name, models, build, reported, tmp_path):
  if name not in models:
    pytest.skip(f'{name} is not among the models')
  path = tmp_path / 'converted.tflite'
  convert(models[name], path)
  data = path.read_bytes()
  assert b'TflmPatchStage' in data
  prediction = check(read_model(path), data, build, reported)
  assert prediction.required == smallest_arena(data)


def test_real_models_on_a_32_bit_target(models):
  # Head and tail that TFLM of August 2026 reports on a Cortex-M4 with its reference
  # kernels. test_arena_on_cortex_m4 measures them where TFLM's library is at hand.
  measured = {
    'mlperf_vww_96_int8': (73728, 26932),
    'mlperf_kws_int8': (16000, 6772),
    'mlperf_ad01_int8': (768, 1492),
    'mlperf_resnet8_int8': (49152, 5188),
    'mlperf_streaming_wakeword': (6656, 8596),
    'microwakeword_okay_nabu': (4096, 14420),
    'tflm_dtln_noise_suppression': (1424, 3220),
    'tflm_keyword_svdf_8bit': (672, 7380),
    'tflm_mnist_lstm': (1536, 1684),
    'tflm_person_detect': (55296, 26996),
    'mcunet_vww': (161472, 58272),
    'mcunet_detection': (337024, 42912),
    'mcunetv2_large': (2451840, 150208),
    'mbv2_1.0_224_int8': (1505280, 154372),
  }
  august = dataclasses.replace(FIRMWARE_32, blockwise=False)
  for name in measured.keys() & models.keys():
    prediction = predict(read_model(models[name]), build=august)
    assert (prediction.head, prediction.tail) == measured[name], name


def test_the_largest_model_fast(models):
  if 'mcunetv2_large' not in models:
    pytest.skip('mcunetv2_large is not among the models')
  model = read_model(models['mcunetv2_large'])
  best = min(_seconds(lambda: predict(model)) for _ in range(5))
  assert best < 0.1


def _seconds(function):
  start = time.process_time()
  function()
  return time.process_time() - start


def vector(name, size, **kwargs):
  return Tensor(name, (size,), DType.INT8, **kwargs)


def unary(opcode, source, result, **kwargs):
  return Operator(opcode, (source,), (result,), **kwargs)


def staged_model(program):
  """A stage between an input of 100 and an output of 10 bytes."""
  data = np.frombuffer(program, np.uint8)
  tensors = [
    vector('image', 100),
    Tensor('program', (data.size,), DType.UINT8, data),
    Tensor('constants', (16,), DType.UINT8, np.zeros(16, np.uint8)),
    vector('scores', 10),
  ]
  stage = Operator('CUSTOM', (0, 1, 2), (3,), custom_name='TflmPatchStage')
  return Model([Subgraph(tensors, [stage], (0,), (3,))])


def test_a_stage_needs_its_workspace():
  without = predict(staged_model(header_alone(0)))
  prediction = predict(staged_model(header_alone(4000)))
  assert without.head == 112 + 16
  assert prediction.head == 112 + 16 + 4000
  assert prediction.exact
  scratch = [buffer for buffer in prediction.buffers if buffer.kind == 'scratch']
  assert [(b.name, b.size, b.first_op, b.last_op) for b in scratch] == [
    ('TflmPatchStage 0', 4000, 0, 0)
  ]
  # Nothing persistent but the scratch buffer's handle.
  assert 0 <= prediction.tail - without.tail <= 16


@pytest.mark.parametrize('program', [b'', b'TPCH', bytes(59)])
def test_a_damaged_stage_is_not_followed(program):
  assert predict(staged_model(program)).head == 112 + 16


def test_unknown_operators_are_named():
  tensors = [vector(f't{i}', 10) for i in range(4)]
  ops = [unary('GELU', 0, 1), unary('CUSTOM', 1, 2, custom_name='Mine'), unary('GELU', 2, 3)]
  prediction = predict(Model([Subgraph(tensors, ops, (0,), (3,))]))
  assert prediction.unknown_operators == ('GELU', 'Mine')
  assert not prediction.exact
  assert prediction.head == 32


def test_memory_over_time():
  tensors = [vector('a', 16), vector('b', 32), vector('c', 48), vector('unused', 160)]
  ops = [unary('RELU', 0, 1), unary('RELU', 1, 2), Operator('ADD', (2, 0), (1,))]
  prediction = predict(Model([Subgraph(tensors, ops, (0,), (1,))]))
  assert memory_over_time(prediction) == [48, 96, 96]
  assert peak_operators(prediction) == [1, 2]
  spans = {buffer.name: (buffer.first_op, buffer.last_op) for buffer in prediction.buffers}
  assert spans == {'a': (0, 2), 'b': (0, 2), 'c': (1, 2), 'unused': (-1, -1)}
  # TFLM reserves room even for what nothing uses.
  assert prediction.head == 160


def test_what_a_call_needs_counts_for_the_caller():
  called = Subgraph(
    [vector('c', 16), vector('d', 160), vector('e', 16)],
    [unary('RELU', 0, 1), unary('RELU', 1, 2)],
    (0,),
    (2,),
  )
  call = Operator('WHILE', (1,), (2,), SimpleNamespace(condSubgraphIndex=1, bodySubgraphIndex=1))
  tensors = [vector(name, 16) for name in ('a', 'b', 'c', 'd')]
  main = Subgraph(tensors, [unary('RELU', 0, 1), call, unary('RELU', 2, 3)], (0,), (3,))
  prediction = predict(Model([main, called]))
  first, during, last = memory_over_time(prediction)
  assert (first, last) == (32, 32)
  assert during == max(first, during, last) >= 176
  assert peak_operators(prediction) == [1]
  assert 'd' in [buffer.name for buffer in buffers_during(prediction, 1) if buffer.size == 160]


def test_models_without_operators():
  assert predict(Model([])).head == 0
  prediction = predict(Model([Subgraph([vector('a', 5)], [], (0,), (0,))]))
  assert prediction.head == 16
  assert memory_over_time(prediction) == []
  assert peak_operators(prediction) == []


def test_pointer_sizes():
  model = staged_model(header_alone(64))
  assert predict(model, pointer_bytes=4).tail < predict(model).tail
  assert predict(model, pointer_bytes=4).head == predict(model).head
  with pytest.raises(ValueError, match='must be 4 or 8'):
    predict(model, pointer_bytes=2)


def test_an_offline_plan_that_does_not_fit_is_not_used():
  model = staged_model(header_alone(0))
  stock = predict(model)
  for words in ((1, 0, 3, 0, 0, 0), (1, 0, 4, 0), (1,), ()):
    model.metadata = [
      ('OfflineMemoryAllocation', np.frombuffer(struct.pack(f'<{len(words)}i', *words), np.uint8))
    ]
    prediction = predict(model)
    assert prediction.head == stock.head
    assert not prediction.exact


def test_compressed_models_are_not_claimed():
  model = staged_model(header_alone(0))
  model.metadata = [('COMPRESSION_METADATA', np.zeros(4, np.uint8))]
  assert not predict(model).exact


@pytest.mark.parametrize('callee', [0, 7])
def test_calls_that_never_end_or_go_nowhere(callee, parse):
  model = SmallModel()
  read, between, write = (model.tensor((7,), FLOAT32) for _ in range(3))
  options = ('WhileOptions', {'condSubgraphIndex': callee, 'bodySubgraphIndex': callee})
  model.op('WHILE', [read], [between], options)
  model.op('WHILE', [between], [write], options)
  model.interface([read], [write])
  prediction = predict(parse(model.build()))
  assert not prediction.exact


def test_operators_without_tensors_are_survived():
  for opcode in operators.known():
    custom = opcode if opcode in ('TflmPatchStage', 'CIRCULAR_BUFFER') else None
    op = Operator('CUSTOM' if custom else opcode, (), (), custom_name=custom)
    assert predict(Model([Subgraph([], [op], (), ())])).head >= 0
