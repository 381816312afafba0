# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""--keep-input: what an application wrote into the input is there after Invoke()."""

import numpy as np
import pytest
from support.compare import check_conversion
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.runtime.tflm import Interpreter

SHAPE = (1, 24, 24, 4)


def stock(b, x):
  """An operator that no stage holds."""
  return b.leaky_relu(x, -0.5)


def after_the_stage(b):
  x = b.conv(b.conv(b.conv(b.input(SHAPE), 8, 3, 2), 8, 3), 4, 1)
  b.output(b.fully_connected(b.mean(b.conv(stock(b, x), 16, 3)), 3))


def before_the_stage(b):
  x = b.conv(b.conv(b.conv(stock(b, b.input(SHAPE)), 8, 3, 2), 8, 3), 4, 1)
  b.output(b.fully_connected(b.mean(b.conv(x, 16, 3)), 3))


def between_stages(b):
  x = b.conv(b.conv(b.input(SHAPE), 8, 3, 2), 8, 3)
  b.output(b.conv(b.add(stock(b, stock(b, x)), x), 8, 3))


def only_stock(b):
  x = stock(b, b.input(SHAPE))
  b.output(stock(b, stock(b, x)))


def two_inputs(b):
  x = stock(b, b.conv(b.add(b.input(SHAPE), b.input(SHAPE)), 8, 3))
  b.output(b.fully_connected(b.mean(b.conv(stock(b, x), 8, 3, 2)), 3))


MODELS = [after_the_stage, before_the_stage, between_stages, only_stock, two_inputs]


def outputs(interpreter):
  return [interpreter._interpreter.get_output(i) for i in range(len(interpreter.outputs))]


def serves_again(data, b, count):
  """Whether a second Invoke() on what the first one left in the inputs gives the same."""
  interpreter = Interpreter(data)
  images = [b.rng.integers(-128, 128, SHAPE).astype(np.int8) for _ in range(count)]
  first = [output.copy() for output in interpreter.invoke(images)]
  interpreter._interpreter.invoke()
  return all(np.array_equal(a, b) for a, b in zip(first, outputs(interpreter)))


@pytest.mark.parametrize('offline_plan', [True, False])
@pytest.mark.parametrize('make', MODELS, ids=lambda make: make.__name__)
def test_inputs_survive_whatever_runs(make, offline_plan):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  b = ModelBuilder(11)
  make(b)
  data = b.build()
  count = len(b.model().main.inputs)
  options = ConvertOptions(keep_input=True, offline_plan=offline_plan)
  result = check_conversion(data, options, 2)
  assert serves_again(result.data, b, count)
  # Without it something overwrites them: the test can fail.
  assert not serves_again(convert_model(data).data, b, count)


def test_it_is_said_where_the_input_gets_memory_of_its_own():
  b = ModelBuilder(11)
  after_the_stage(b)
  result = convert_model(b.build(), ConvertOptions(keep_input=True))
  (change,) = [change for change in result.changes if change.plugin == 'keep_input']
  assert '"input_0" in memory of its own' in change.text
  kept = convert_model(b.build())
  assert not any(change.plugin == 'keep_input' for change in kept.changes)


def test_an_input_that_the_last_operator_reads_is_left_in_the_head():
  b = ModelBuilder(12)
  x = b.conv(b.input(SHAPE), 4, activation='RELU6')
  b.output(b.mean(b.mul(x, b.conv(b.mean(x), 4, 1))))
  result = convert_model(b.build(), ConvertOptions(keep_input=True))
  assert not any(tensor.is_variable for tensor in result.model.main.tensors)
