# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators of constants: computed as TFLM computes them, or left alone."""

from __future__ import annotations

import time

import numpy as np
import pytest
from support.compare import check_conversion
from support.model_builder import ModelBuilder
from support.model_core import options, quantized

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.conversion.plugins import Context, run_plugins, select
from tflm_patch.graph import evaluate as evaluation
from tflm_patch.graph.evaluate import evaluate
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.runtime.tflm import Interpreter

NUMBERS = np.array([[3, -1, 4], [1, 5, -9]])
# Opcode, inputs (arrays are int32 unless they say otherwise), output shape and type, options.
OPERATORS = [
  ('PACK', [np.int32(3), np.int32(4)], (2,), DType.INT32, ('PackOptions', {'valuesCount': 2})),
  ('CONCATENATION', [[1, 2], [3]], (3,), DType.INT32, ('ConcatenationOptions', {'axis': 0})),
  ('GATHER', [np.float32([7, 8, 9]), [2, 0]], (2,), DType.FLOAT32, ('GatherOptions', {})),
  ('STRIDED_SLICE', [[4, 5, 6, 7], [3], [0], [-2]], (2,), DType.INT32, ('StridedSliceOptions', {})),
  ('SLICE', [[4, 5, 6], [1], [-1]], (2,), DType.INT32, ('SliceOptions', {})),
  ('RESHAPE', [NUMBERS, [3, 2]], (3, 2), DType.INT32, ('ReshapeOptions', {})),
  ('SQUEEZE', [[[1, 2]]], (2,), DType.INT32, ('SqueezeOptions', {'squeezeDims': [0]})),
  ('EXPAND_DIMS', [np.float32([1, 2]), 0], (1, 2), DType.FLOAT32, ('ExpandDimsOptions', {})),
  ('TRANSPOSE', [np.float32(NUMBERS), [1, 0]], (3, 2), DType.FLOAT32, ('TransposeOptions', {})),
  ('FILL', [[2, 2], np.int32(6)], (2, 2), DType.INT32, ('FillOptions', {})),
  ('BROADCAST_TO', [[1, 2], [2, 2]], (2, 2), DType.INT32, ('BroadcastToOptions', {})),
  ('ADD', [NUMBERS, [[1, 2, 3]]], (2, 3), DType.INT32, ('AddOptions', {})),
  ('SUB', [NUMBERS, [[1, 2, 3]]], (2, 3), DType.INT32, ('SubOptions', {})),
  ('MUL', [NUMBERS, [[7, -2, 3]]], (2, 3), DType.INT32, ('MulOptions', {})),
  (
    'MUL',
    [np.float32([1.1, 3.3]), np.float32([0.7, 1e3])],
    (2,),
    DType.FLOAT32,
    ('MulOptions', {}),
  ),
  ('CAST', [np.float32([1.9, -1.9])], (2,), DType.INT32, ('CastOptions', {'outDataType': 2})),
  ('CAST', [NUMBERS], (2, 3), DType.FLOAT32, ('CastOptions', {'inDataType': 2})),
  ('SPLIT', [0, [1, 2]], (1,), DType.INT32, ('SplitOptions', {'numSplits': 2})),
]


def alone(opcode, inputs, shape, dtype, fields) -> ModelBuilder:
  """A model of one operator of constants."""
  b = ModelBuilder(0)
  tensors = []
  for values in inputs:
    array = np.asarray(values)
    floats = array.dtype == np.float32
    tensors.append(b.constant(array, DType.FLOAT32 if floats else DType.INT32))
  count = 2 if opcode == 'SPLIT' else 1
  made = [b.tensor(shape, dtype) for _ in range(count)]
  version = 3 if opcode == 'BROADCAST_TO' else 1
  b.add_operator(opcode, tensors, made, options(fields[0], **fields[1]), version)
  b.output(*made)
  return b


@pytest.mark.parametrize('case', OPERATORS, ids=lambda case: case[0])
def test_the_calculator_agrees_with_tflm(case):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  b = alone(*case)
  graph = b.model().main
  made = evaluate(graph, graph.operators[0])
  assert made is not None
  for a, wanted in zip(made, Interpreter(b.build()).invoke([]), strict=True):
    assert (a.dtype, a.shape) == (wanted.dtype, wanted.shape)
    assert a.tobytes() == wanted.tobytes()


@pytest.mark.parametrize('case', OPERATORS, ids=lambda case: case[0])
def test_operators_of_constants_go(case):
  b = alone(*case)
  x = b.input((1, 4))
  results = b.outputs
  b._outputs.clear()
  b.output(b.relu(x), b.tensor((9,), b.dtype(results[0])))
  b.add_operator('CONCATENATION', results, b.outputs[1], options('ConcatenationOptions'))
  graph = b.model().main
  model, changes = run_plugins(b.model(), select(['constant_folding']).rewrites, Context())
  assert len(model.main.operators) == len(graph.operators) - 1
  assert [change.plugin for change in changes] == ['constant_folding']
  assert all(model.main.tensors[t].is_constant for t in results)


def network(free_batch: bool, activation: str = 'NONE') -> bytes:
  b = ModelBuilder(2)
  x = b.conv(b.input((1, 16, 16, 4)), 8, stride=2, activation='RELU')
  x = b.transpose_conv(x, 8, free_batch=free_batch, activation=activation)
  b.output(b.conv(x, 4))
  return b.build()


def test_a_computed_shape_costs_nothing():
  fixed = check_conversion(network(False), ConvertOptions(), 8)
  free = check_conversion(network(True), ConvertOptions(), 8)
  assert free.converted_arena.total == fixed.converted_arena.total
  # One stage or, where that needs less, two.
  assert {operator.opcode for operator in free.model.main.operators} == {'CUSTOM'}
  assert len(free.stages) == len(fixed.stages)


def test_conversion_works_without_the_calculator(monkeypatch):
  monkeypatch.setattr(evaluation, '_interpreter', lambda: None)
  result = convert_model(network(True))
  assert {operator.opcode for operator in result.stock_operators} >= {'PACK', 'TRANSPOSE_CONV'}


def folded(b: ModelBuilder) -> list[str]:
  model, _ = run_plugins(parse_model(b.build()), select(['constant_folding']).rewrites, Context())
  return [operator.opcode for operator in model.main.operators]


def reading(b: ModelBuilder, tensor: int, shape, dtype=DType.INT32) -> ModelBuilder:
  """Makes another operator read a tensor, so that it is no output."""
  made = b.tensor(shape, dtype)
  b.output(b.relu(b.input((1, 4))), b.add_operator('ABS', (tensor,), made))
  return b


def test_an_output_of_the_model_stays_an_operator():
  assert folded(alone(*OPERATORS[0])) == ['PACK']


@pytest.mark.parametrize(
  ('opcode', 'inputs', 'fields'),
  [
    ('FILL', [[1 << 15, 1 << 15], 1], 'FillOptions'),
    ('TILE', [[1, 2], [1 << 30]], 'TileOptions'),
    ('BROADCAST_TO', [[1], [1 << 30]], 'BroadcastToOptions'),
    ('GATHER', [[7, 8, 9], [3, 1]], 'GatherOptions'),
    ('GATHER', [[7, 8, 9], [-1, 1]], 'GatherOptions'),
    ('FLOOR_DIV', [[7, 8], [1, 0]], 'FloorDivOptions'),
    ('FLOOR_DIV', [[-(1 << 31), 8], [-1, 1]], 'FloorDivOptions'),
    ('MUL', [[1 << 20, 8], [1 << 20, 1]], 'MulOptions'),
    ('RESHAPE', [[1, 2, 3], [2]], 'ReshapeOptions'),
  ],
)
def test_numbers_that_do_not_fit_are_left_alone(opcode, inputs, fields):
  b = ModelBuilder(0)
  made = b.tensor((2,), DType.INT32)
  b.add_operator(opcode, [b.int32(values) for values in inputs], made, options(fields))
  began = time.monotonic()
  assert opcode in folded(reading(b, made, (2,)))
  assert time.monotonic() - began < 5


def test_values_that_would_be_requantized_are_left_alone():
  b = ModelBuilder(0)
  parts = [b.constant(np.array([[1, 2]]), DType.INT8, quantized(scale, 0)) for scale in (0.5, 0.25)]
  made = b.tensor((2, 2), DType.INT8, quantized(0.5, 0))
  b.add_operator('CONCATENATION', parts, made, options('ConcatenationOptions', axis=0))
  assert 'CONCATENATION' in folded(reading(b, made, (2, 2), DType.INT8))


def test_a_large_fill_stays_out_of_the_flash():
  b = ModelBuilder(0)
  made = b.tensor((64, 64), DType.INT32)
  b.add_operator('FILL', (b.int32([64, 64]), b.int32(0)), made, options('FillOptions'))
  assert 'FILL' in folded(reading(b, made, (64, 64)))
