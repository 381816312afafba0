# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Windows over rows of several invocations: stages keep them, and nothing else does."""

import dataclasses
import functools

import numpy as np
import pytest
from support import real_models
from support.stateful_models import STREAMING_ZERO_POINT as ZERO_POINT
from support.stateful_models import streaming

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.conversion.stage_operator import is_stage
from tflm_patch.conversion.states import with_windows
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import Operator
from tflm_patch.graph.writer import serialize_model
from tflm_patch.runtime.arena_measurement import measure_arena
from tflm_patch.runtime.tflm import Interpreter

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')


def expect_same_steps(original, converted, steps=60, resets=(17, 18, 40), seed=0):
  """Every output byte of step after step, with resets between."""
  stock, ours = Interpreter(original), Interpreter(converted)
  tensors = parse_model(original).main
  shapes = [tensors.tensors[i].shape for i in tensors.inputs]
  rng = np.random.default_rng(seed)
  for step in range(steps):
    if step in resets:
      stock.reset()
      ours.reset()
    inputs = [rng.integers(-128, 128, shape).astype(np.int8) for shape in shapes]
    for a, b in zip(stock.invoke(inputs), ours.invoke(inputs)):
      np.testing.assert_array_equal(a, b, f'step {step}')


@functools.cache
def converted(data, **options):
  return convert_model(data, ConvertOptions(**options))


@pytest.mark.parametrize('variables', [1, 3])
def test_a_streaming_model_is_one_stage(variables):
  data = streaming(variables, ZERO_POINT)
  result = converted(data)
  (stage,) = result.model.main.operators
  assert is_stage(stage)
  assert len(result.model.subgraphs) == 1
  assert result.changes[0].plugin == 'states'
  expect_same_steps(data, result.data)


def test_the_arena_is_what_was_predicted():
  result = converted(streaming(3, ZERO_POINT))
  measured = measure_arena(result.data)
  assert measured.total == result.converted_arena_host.total
  plain = converted(streaming(3, ZERO_POINT), plugins=('-states',))
  assert result.converted_arena.total < 0.7 * plain.converted_arena.total


def test_interpreters_do_not_share_what_they_keep():
  data = streaming(2, ZERO_POINT)
  result = converted(data)
  rng = np.random.default_rng(4)
  pairs = [(Interpreter(data), Interpreter(result.data)) for _ in range(3)]
  for _ in range(40):
    stock, ours = pairs[rng.integers(len(pairs))]
    if rng.integers(8) == 0:
      stock.reset()
      ours.reset()
    row = rng.integers(-128, 128, (1, 1, 1, 8)).astype(np.int8)
    np.testing.assert_array_equal(stock.invoke([row])[0], ours.invoke([row])[0])


@pytest.mark.parametrize('data', [streaming(1, 7), streaming(2, 0)], ids=['7', '0'])
def test_other_first_values_stay_in_variables(data):
  """A reset brings variables to their zero points, but before the first they hold these."""
  assert with_windows(parse_model(data)) is None
  expect_same_steps(data, convert_model(data).data)


def edited(change):
  """The streaming model after a change of its graph."""
  model = parse_model(streaming(1, ZERO_POINT))
  change(model.main)
  return model


def index_of(graph, opcode):
  return next(i for i, op in enumerate(graph.operators) if op.opcode == opcode)


def read_twice(graph):
  join = graph.operators[index_of(graph, 'CONCATENATION')]
  graph.outputs = (*graph.outputs, join.inputs[0])


def show_all_rows(graph):
  graph.outputs = (*graph.outputs, graph.operators[index_of(graph, 'CONCATENATION')].outputs[0])


def old_rows_behind(graph):
  at = index_of(graph, 'CONCATENATION')
  op = graph.operators[at]
  graph.operators[at] = dataclasses.replace(op, inputs=op.inputs[::-1])


def keep_first_rows(graph):
  at = index_of(graph, 'STRIDED_SLICE')
  begin = graph.operators[at].inputs[1]
  zeros = np.zeros(16, np.uint8)
  graph.tensors[begin] = dataclasses.replace(graph.tensors[begin], data=zeros)


def never_assign(graph):
  del graph.operators[index_of(graph, 'ASSIGN_VARIABLE')]


def assign_twice(graph):
  graph.operators.append(graph.operators[index_of(graph, 'ASSIGN_VARIABLE')])


def another_variable(graph):
  at = index_of(graph, 'VAR_HANDLE')
  graph.tensors.append(dataclasses.replace(graph.tensors[graph.operators[at].outputs[0]], name='b'))
  options = type(graph.operators[at].options)()
  options.sharedName = b'another'
  graph.operators.insert(at, Operator('VAR_HANDLE', (), (len(graph.tensors) - 1,), options))


@pytest.mark.parametrize(
  'change',
  [
    read_twice,
    show_all_rows,
    old_rows_behind,
    keep_first_rows,
    never_assign,
    assign_twice,
    another_variable,
  ],
)
def test_variables_that_are_no_windows_stay(change):
  assert with_windows(edited(lambda graph: None)) is not None
  model = edited(change)
  assert with_windows(model) is None


def test_left_out_by_name():
  result = converted(streaming(2, ZERO_POINT), plugins=('-states',))
  assert any(op.opcode == 'READ_VARIABLE' for op in result.model.main.operators)
  expect_same_steps(streaming(2, ZERO_POINT), result.data)


@pytest.mark.slow
@pytest.mark.parametrize(
  ('name', 'most'), [('microwakeword_okay_nabu', 6500), ('microwakeword_vad', 3600)]
)
def test_wake_words(name, most):
  path = real_models.FOLDER / f'{name}.tflite'
  if not path.exists():
    pytest.skip(real_models.MISSING)
  data = path.read_bytes()
  result = converted(data)
  assert len(result.model.main.operators) == 1
  assert result.converted_arena_host.total <= most
  expect_same_steps(data, result.data, steps=1000, resets=(300, 301, 777))


def test_a_converted_model_is_left_alone():
  result = converted(streaming(1, ZERO_POINT))
  again = convert_model(result.data)
  assert again.data == result.data or serialize_model(again.model) == result.data
