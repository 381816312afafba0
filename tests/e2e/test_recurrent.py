# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""LSTM and SVDF in stages: step after step, with resets, by rows, beside stock operators."""

import dataclasses
import functools

import numpy as np
import pytest
from support import real_models
from support.model_builder import ModelBuilder
from support.model_core import quantized
from support.operator_cases import build_case
from support.recurrent_cases import RECURRENT_CASES

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.conversion.stage_operator import is_stage
from tflm_patch.graph import quantize
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.planner.lowering.partition import partition
from tflm_patch.runtime.arena_measurement import measure_arena
from tflm_patch.runtime.tflm import Interpreter

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')


def inputs_of(data, rng):
  """Random inputs, small values and large ones in turn."""
  graph = parse_model(data).main
  found = []
  for tensor in (graph.tensors[i] for i in graph.inputs):
    limits = np.iinfo(tensor.dtype.numpy)
    part = 1 << int(rng.integers(0, 4))
    values = rng.integers(limits.min // part, limits.max // part + 1, tensor.shape)
    found.append(values.astype(tensor.dtype.numpy))
  return found


def expect_same_steps(data, converted, steps, resets=(), seed=0):
  stock, ours = Interpreter(data), Interpreter(converted)
  rng = np.random.default_rng(seed)
  for step in range(steps):
    if step in resets:
      stock.reset()
      ours.reset()
    inputs = inputs_of(data, rng)
    for a, b in zip(stock.invoke(inputs), ours.invoke(inputs)):
      np.testing.assert_array_equal(a, b, f'step {step}')


def _told_apart(multiplied, divided, units):
  """int32 biases whose outputs two multipliers make differently, those of ties between them."""
  first, second = (quantize.quantize_multiplier(ratio) for ratio in (multiplied, divided))
  found = []
  for output in range(-100, 100):
    middle = round((output + 0.5) / divided)
    for bias in range(middle - 8, middle + 8):
      made = [quantize.multiply_by_quantized_multiplier(bias, *each) for each in (first, second)]
      if made[0] != made[1]:
        found.append(bias)
        break
  assert len(found) >= units
  return np.array(found[:units], np.int32)


@pytest.mark.parametrize('seed', range(6))
def test_scales_of_svdf_multiply_in_double(seed):
  """Biases show the last bits of the multiplier where weights are 0."""
  units, rng = 16, np.random.default_rng(seed)
  b = ModelBuilder(seed)
  y = b.svdf(b.input((1, 3)), units)
  _, weights, times, bias, state = b.operators[0].inputs
  first, second = (float(b.quantization(i).scale) for i in (state, times))
  target = np.float32(first * second * 2.0 ** rng.uniform(19, 21))
  b.tensors[y] = dataclasses.replace(b.tensors[y], quantization=quantized(float(target), 0))
  in_float = float(np.float32(first) * np.float32(second) / target)
  in_double = first * second / float(target)
  told = _told_apart(in_float, in_double, units)
  for i, values in ((weights, np.zeros((units, 3), np.int8)), (bias, told)):
    data = np.frombuffer(values.tobytes(), np.uint8)
    b.tensors[i] = dataclasses.replace(b.tensors[i], data=data)
  b.output(y)
  result = convert_model(b.build(), ConvertOptions(force_stage=True))
  assert result.stages and result.stock_operators == ()
  expect_same_steps(b.build(), result.data, 1)


@pytest.mark.parametrize('case', RECURRENT_CASES, ids=lambda case: case.name)
def test_steps_with_resets(case):
  data = build_case(case, False, 3, False)
  result = convert_model(data, ConvertOptions(force_stage=True))
  (stage,) = result.model.main.operators
  assert is_stage(stage)
  expect_same_steps(data, result.data, 40, (11, 12, 30))


@functools.cache
def speech():
  """A model of both operators that takes eight rows."""
  b = ModelBuilder(6)
  x = b.lstm(b.input((1, 8, 10)), 12)
  x = b.lstm(x, 6)
  y = b.fully_connected(b.reshape(x, (1, 48)), 20, activation='RELU6')
  b.output(b.softmax(b.svdf(y, 5, 6)))
  return b.build()


def test_the_arena_is_what_was_predicted():
  result = convert_model(speech())
  (stage,) = result.model.main.operators
  assert is_stage(stage)
  assert not any(tensor.is_variable for tensor in result.model.main.tensors)
  assert measure_arena(result.data).total == result.converted_arena_host.total
  assert result.converted_arena.total < 0.5 * result.original_arena.total


@pytest.mark.parametrize('rows', [1, 2, 4])
def test_rows_of_a_sequence_come_in_bands(rows):
  """The states go on over the bands of an inference, and from one inference to the next."""
  result = convert_model(speech(), ConvertOptions(input_rows=rows))
  stock, ours = Interpreter(speech()), Interpreter(result.data)
  rng = np.random.default_rng(5)
  for inference in range(12):
    (sequence,) = inputs_of(speech(), rng)
    if inference in (4, 9):
      assert ours.advance([sequence[:, :rows]])  # a sequence that is given up
      stock.reset()
      ours.reset()
    np.testing.assert_array_equal(ours.invoke([sequence])[0], stock.invoke([sequence])[0])


def test_interpreters_do_not_share_states():
  result = convert_model(speech())
  rng = np.random.default_rng(4)
  pairs = [(Interpreter(speech()), Interpreter(result.data)) for _ in range(3)]
  for _ in range(30):
    stock, ours = pairs[rng.integers(len(pairs))]
    if rng.integers(8) == 0:
      stock.reset()
      ours.reset()
    inputs = inputs_of(speech(), rng)
    np.testing.assert_array_equal(stock.invoke(inputs)[0], ours.invoke(inputs)[0])


def without(opcode, position):
  """The speech model without an input of one of its operators."""
  model = parse_model(speech())
  at = next(i for i, op in enumerate(model.main.operators) if op.opcode == opcode)
  op = model.main.operators[at]
  inputs = [-1 if i == position else t for i, t in enumerate(op.inputs)]
  model.main.operators[at] = dataclasses.replace(op, inputs=tuple(inputs))
  return model


def with_tensor(opcode, position, **changes):
  """The speech model with a change of an input of one of its operators."""
  model = parse_model(speech())
  op = next(op for op in model.main.operators if op.opcode == opcode)
  t = op.inputs[position]
  model.main.tensors[t] = dataclasses.replace(model.main.tensors[t], **changes)
  return model


LSTM = 'UNIDIRECTIONAL_SEQUENCE_LSTM'
REFUSED = {
  'no_gate': (lambda: without(LSTM, 1), 'The standard cell'),
  'no_hidden_state': (lambda: without(LSTM, 18), 'State is a variable tensor'),
  'constant_cell': (lambda: with_tensor(LSTM, 19, is_variable=False), 'State is a variable'),
  'cell_scale': (lambda: with_tensor(LSTM, 19, quantization=quantized(0.0003, 0)), 'power of two'),
  'weights_with_zero_point': (
    lambda: with_tensor(LSTM, 6, quantization=quantized(0.01, 3)),
    'zero point 0',
  ),
  'no_bias': (lambda: without('SVDF', 3), 'Weights are constant'),
  'bias_scale': (lambda: with_tensor('SVDF', 3, quantization=quantized(1.0, 0)), "bias's scale"),
  'float_state': (lambda: with_tensor('SVDF', 4, dtype=DType.FLOAT32), 'The state is int8'),
}


@pytest.mark.parametrize('name', REFUSED)
def test_what_stays_stock(name):
  """In one line, with the rule; the others go into stages."""
  make, rule = REFUSED[name]
  violations = partition(make(), make().main).violations
  ((_, violation),) = violations.items()
  assert rule in str(violation)
  assert '\n' not in str(violation)


def test_a_state_that_two_operators_share_stays_a_variable():
  model = parse_model(speech())
  first, second = (op for op in model.main.operators if op.opcode == LSTM)
  at = model.main.operators.index(second)
  inputs = list(second.inputs)
  inputs[18] = first.inputs[18]
  model.main.operators[at] = dataclasses.replace(second, inputs=tuple(inputs))
  violations = partition(model, model.main).violations
  assert [str(violation) for violation in violations.values() if 'used 2 times' in str(violation)]
  assert len(violations) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
  ('name', 'most'),
  [
    ('tflm_mnist_lstm', 4208 // 2),
    ('tflm_dtln_noise_suppression', 5840 // 2),
    ('tflm_keyword_svdf_8bit', 6900),
  ],
)
def test_real_models(name, most):
  path = real_models.FOLDER / f'{name}.tflite'
  if not path.exists():
    pytest.skip(real_models.MISSING)
  data = path.read_bytes()
  result = convert_model(data)
  assert len(result.stages) == 1
  assert result.converted_arena_host.total <= most
  assert measure_arena(result.data).total == result.converted_arena_host.total
  expect_same_steps(data, result.data, 2000, (300, 301, 777))
