# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""golden_int16_cases.h: operators on int16 maps as TFLM computes them.

Each case is a model of one operator, run in the interpreter of the tflite-micro
wheel; parameter record and constants are encoded as the planner does.
test_golden_int16.c runs the case as a stage program and compares every byte.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from support.golden.c_text import TOP, array, fields
from support.model_builder import ModelBuilder
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.planner.ir.stage_graph import FeatureMap
from tflm_patch.planner.lowering.region import lower_region
from tflm_patch.program.constants import ConstantPool
from tflm_patch.program.encode import encode_params
from tflm_patch.program.records import Kind
from tflm_patch.runtime.tflm import Interpreter

Make = Callable[[ModelBuilder, int], int]

# Name, operator, input shape, seed, whether the scales fit badly.
CASES: tuple[tuple[str, Make, tuple[int, ...], int, bool], ...] = (
  ('conv', lambda b, x: b.conv(x, 5, activation='RELU'), (1, 5, 6, 3), 1, False),
  ('conv int32', lambda b, x: b.conv(x, 5, bias='int32'), (1, 4, 5, 3), 2, False),
  ('conv groups', lambda b, x: b.conv(x, 4, (3, 2), (2, 1), groups=2), (1, 6, 5, 4), 3, True),
  ('conv dilated', lambda b, x: b.conv(x, 3, 3, dilation=(2, 3)), (1, 7, 8, 2), 4, False),
  ('conv per tensor', lambda b, x: b.conv(x, 9, 1, per_channel=False), (1, 3, 3, 17), 5, True),
  (
    'conv of no bias',
    lambda b, x: b.conv(x, 3, bias=False, padding='VALID'),
    (1, 4, 5, 3),
    6,
    False,
  ),
  ('depthwise', lambda b, x: b.depthwise(x, activation='RELU6'), (1, 5, 4, 19), 7, False),
  ('depthwise stride', lambda b, x: b.depthwise(x, 1, (3, 5), 2), (1, 7, 6, 3), 8, True),
  ('multiplier', lambda b, x: b.depthwise(x, 3, dilation=2), (1, 6, 6, 3), 9, False),
  ('vector', lambda b, x: b.fully_connected(x, 7, per_channel=True), (1, 37), 10, False),
  ('long vector', lambda b, x: b.fully_connected(x, 2), (1, 1100), 11, True),
  ('vector int32', lambda b, x: b.fully_connected(x, 5, bias='int32'), (1, 40), 12, True),
  ('map', lambda b, x: b.fully_connected(x, 6, activation='RELU'), (1, 4, 3, 5), 13, False),
  ('average', lambda b, x: b.average_pool(x, 3, 2, 'SAME', 'RELU6'), (1, 6, 5, 17), 14, False),
  ('global average', lambda b, x: b.average_pool(x, (6, 5), 1), (1, 6, 5, 3), 15, False),
  ('maximum', lambda b, x: b.max_pool(x, 3, 2, 'SAME', 'RELU_N1_TO_1'), (1, 6, 5, 5), 16, False),
  ('add', lambda b, x: b.add(x, b.input((1, 4, 5, 3), DType.INT16)), (1, 4, 5, 3), 17, False),
  (
    'add channels',
    lambda b, x: b.add(x, b.input((1, 1, 1, 3), DType.INT16), 'RELU6'),
    (1, 4, 5, 3),
    18,
    True,
  ),
  ('mul', lambda b, x: b.mul(x, b.input((1, 4, 5, 3), DType.INT16)), (1, 4, 5, 3), 19, False),
  (
    'mul columns',
    lambda b, x: b.mul(x, b.input((1, 1, 5, 1), DType.INT16), 'RELU6'),
    (1, 4, 5, 3),
    20,
    True,
  ),
  ('sub', lambda b, x: b.sub(x, b.input((1, 4, 5, 3), DType.INT16)), (1, 4, 5, 3), 21, True),
  (
    'maximum of two',
    lambda b, x: b.maximum(x, b.input((1, 1, 1, 3), DType.INT16)),
    (1, 4, 5, 3),
    22,
    False,
  ),
  (
    'minimum of two',
    lambda b, x: b.minimum(x, b.input((1, 4, 5, 3), DType.INT16)),
    (1, 4, 5, 3),
    23,
    False,
  ),
  ('logistic', lambda b, x: b.logistic(x), (1, 5, 6, 7), 24, False),
  ('tanh', lambda b, x: b.tanh(x), (1, 5, 6, 7), 26, False),
  ('leaky relu', lambda b, x: b.leaky_relu(x), (1, 5, 6, 7), 27, True),
  ('absolute', lambda b, x: b.abs(x), (1, 5, 6, 7), 28, False),
  ('softmax', lambda b, x: b.softmax(x), (1, 5, 6, 7), 29, False),
  ('softmax of one column', lambda b, x: b.softmax(x), (1, 4, 1, 40), 30, False),
  ('mean', lambda b, x: b.mean(x), (1, 5, 6, 7), 31, False),
  ('mean of columns', lambda b, x: b.mean(x, (2,)), (1, 5, 6, 7), 32, True),
  ('mean of rows', lambda b, x: b.mean(x, (1,)), (1, 5, 6, 7), 33, False),
  ('transposed', lambda b, x: b.transpose_conv(x, 5, activation='RELU'), (1, 4, 5, 3), 34, False),
  (
    'transposed stride 3',
    lambda b, x: b.transpose_conv(x, 3, (2, 4), (3, 1), 'VALID', bias=False),
    (1, 4, 5, 9),
    35,
    True,
  ),
)


def _values(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
  """Random values, some of them at the ends of the range."""
  values = rng.integers(-(2**15), 2**15, shape)
  return (
    np.where(rng.random(shape) < 0.1, np.sign(values) * 40000, values)
    .clip(-(2**15), 2**15 - 1)
    .astype(np.int16)
  )


def _shape(feature_map: FeatureMap) -> tuple[int, int, int]:
  return feature_map.rows, feature_map.cols, feature_map.channels


def case_fields(i: int) -> str:
  """Prints a case's arrays; returns its entry in the table."""
  name, make, shape, seed, wild = CASES[i]
  b = ModelBuilder(seed, wild)
  b.output(make(b, b.input(shape, DType.INT16)))
  data = b.build()
  model = parse_model(data)
  graph = lower_region(model, model.main, [0])
  (op,) = graph.ops
  rng = np.random.default_rng(seed)
  inputs = [_values(model.main.tensors[t].shape, rng) for t in model.main.inputs]
  (output,) = Interpreter(data).invoke(inputs)
  pool = ConstantPool()
  params = encode_params(op.params, pool)
  print(array('uint8_t', f'kInt16Params{i}', np.frombuffer(params, np.uint8)))
  print(array('uint8_t', f'kInt16Constants{i}', np.frombuffer(pool.finish(), np.uint8)))
  names = []
  for k, values in enumerate(inputs):
    names.append(f'kInt16Input{i}_{k}')
    print(array('int16_t', names[-1], values))
  print(array('int16_t', f'kInt16Output{i}', output))
  shapes = tuple('{' + ', '.join(map(str, _shape(graph.maps[m]))) + '}' for m in op.inputs)
  return fields(
    {
      'name': f'"{name}"',
      'kind': f'TFLM_PATCH_{Kind(op.kind).name}',
      'n_inputs': len(inputs),
      'shapes': shapes,
      'output_shape': _shape(graph.maps[op.outputs[0]]),
      'steps': op.steps,
      'ring_rows': max(int((r.last - r.first).max()) + 1 for r in op.reads),
      'scratch_bytes': op.scratch_bytes,
      'params': f'kInt16Params{i}',
      'params_bytes': len(params),
      'constants': f'kInt16Constants{i}',
      'constants_bytes': len(pool.finish()),
      'inputs': tuple(names),
      'output': f'kInt16Output{i}',
    }
  )


def main() -> None:
  """Prints the header."""
  print(TOP)
  table = ''.join(case_fields(i) for i in range(len(CASES)))
  print(f'static const golden_int16 kInt16[] = {{\n{table}}};')
