# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Graphs of unusual shape: the converted model gives TFLM's bytes."""

import numpy as np
import pytest
from support.compare import check_conversion
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.types import DType
from tflm_patch.runtime.tflm import Interpreter

INPUTS = 8
MAP = (1, 6, 7, 4)


def _same_output_twice(b):
  x = b.conv(b.input(MAP), 5)
  b.output(x, x)


def _input_is_output(b):
  x = b.input(MAP)
  b.output(x, b.conv(x, 4))


def _unused_input(b):
  x = b.input(MAP)
  b.input((1, 3))
  b.output(b.conv(x, 4))


def _unused_result(b):
  x = b.input(MAP)
  b.max_pool(b.conv(x, 3))
  b.output(b.depthwise(x))


def _dead_network(b):
  """A part of its own whose result nobody reads."""
  b.conv(b.conv(b.input(MAP), 4), 3)
  b.output(b.conv(b.conv(b.input(MAP), 4), 3))


def _constant_output(b):
  b.conv(b.input(MAP), 4)
  b.output(b.constant_operand((1, 4)))


def _two_networks(b):
  b.output(b.conv(b.conv(b.input(MAP), 4), 3), b.fully_connected(b.input((1, 9)), 4))


def _two_inputs_of_one_addition(b):
  x, y = b.input(MAP), b.input(MAP)
  b.output(b.add(b.conv(x, 4), b.depthwise(y)))


def _many_outputs(b):
  x = b.input(MAP)
  for _ in range(20):
    x = b.conv(x, 4, 1)
    b.output(x)


def _many_inputs(b):
  x = b.input(MAP)
  for _ in range(20):
    x = b.add(x, b.input(MAP))
  b.output(x)


def _wide_fan(b):
  """One map with many readers, summed up."""
  x = b.conv(b.input(MAP), 4)
  parts = [b.depthwise(x) for _ in range(9)]
  total = parts[0]
  for part in parts[1:]:
    total = b.add(total, part)
  b.output(total)


def _long_shortcut(b):
  """A shortcut over strides: both branches are pooled to the same size."""
  x = b.conv(b.input((1, 16, 16, 3)), 8)
  short = b.average_pool(x, 4, 4)
  for _ in range(2):
    x = b.depthwise(b.conv(x, 8, 1), stride=2)
  b.output(b.add(x, short))


def _feature_pyramid(b):
  """Three outputs of a detector, the coarse maps enlarged and joined to the fine ones."""
  fine = b.conv(b.input((1, 16, 12, 3)), 6, stride=2)
  middle = b.conv(fine, 8, stride=2)
  coarse = b.conv(middle, 8, stride=2)
  b.output(b.conv(coarse, 5, 1))
  up = b.resize_nearest(coarse, 4, 3)
  middle = b.concat([b.quantize(up, like=middle), middle])
  b.output(b.conv(middle, 5, 1))
  up = b.resize_nearest(b.conv(middle, 6, 1), 8, 6)
  b.output(b.dequantize(b.conv(b.concat([b.quantize(up, like=fine), fine]), 5, 1)))


def _stock_between_branches(b):
  """One branch leaves the stages, the other does not."""
  x = b.conv(b.input(MAP), 4)
  b.output(b.add(b.conv(x, 4), b.leaky_relu(b.conv(x, 4), -0.3)))


def _stock_gate(b):
  """Squeeze-excite whose multiplication comes after a stock operator."""
  x = b.conv(b.input(MAP), 8)
  y = b.leaky_relu(b.conv(b.conv(b.mean(x), 4, 1, activation='RELU'), 8, 1), -0.3)
  b.output(b.conv(b.mul(x, y), 4, 1))


def _split_outputs(b):
  """Of the parts, one is an output, one an output that is read further, one only read."""
  first, second, third, _ = b.split(b.conv(b.input(MAP), 8), 4)
  b.output(first, second)
  b.output(b.concat([b.max_pool(second, 3, 1, 'SAME'), third]))


def _split_input(b):
  """The parts of the input are outputs, in another order; with the input itself."""
  x = b.input(MAP)
  first, second = b.split_v(x, [1, 3])
  b.output(second, x, first, *b.split(second, 7, 2)[3:5])


def _shuffle_unit(b):
  """Half of the channels go through convolutions, then the halves are joined."""
  x = b.conv(b.input((1, 12, 12, 3)), 8)
  for _ in range(3):
    left, right = b.split(x, 2)
    y = b.conv(b.depthwise(b.conv(right, 4, 1, activation='RELU')), 4, 1)
    x = b.concat([left, b.quantize(y, like=left)])
  b.output(x)


def _focus(b):
  """Four strided slices of the image, joined: SPACE_TO_DEPTH as detectors write it."""
  x = b.input((1, 12, 10, 3))
  parts = [
    b.strided_slice(x, (0, i, j, 0), (1, 12, 10, 3), (1, 2, 2, 1)) for j in (0, 1) for i in (0, 1)
  ]
  b.output(b.conv(b.concat(parts), 8))


def _super_resolution(b):
  x = b.conv(b.input((1, 8, 6, 1)), 9)
  b.output(b.depth_to_space(b.prelu(x, b.constant_operand((1, 1, 9))), 3))


def _reshaped_output(b):
  x = b.conv(b.input(MAP), 4)
  b.output(b.reshape(x, (1, 168)), b.depthwise(x))


def _reshape_of_the_input(b):
  x = b.reshape(b.input((1, 168)), MAP)
  b.output(b.conv(b.conv(x, 4), 4))


def _only_reshapes(b):
  b.output(b.reshape(b.reshape(b.input((1, 168)), MAP), (4, 42)))


def _sequence(b):
  """A one-dimensional convolution as converters make it: EXPAND_DIMS, CONV_2D, RESHAPE."""
  x = b.expand_dims(b.input((1, 20, 3)), 1)
  x = b.conv(x, 6, (1, 5), padding='VALID', activation='RELU')
  x = b.reshape(x, (1, 16, 6))
  x = b.conv(b.expand_dims(x, 1), 4, (1, 3))
  b.output(b.mean(x, keep_dims=False))


def _tall(b):
  x = b.conv(b.input((1, 300, 1, 2)), 3, (9, 1), stride=(3, 1))
  b.output(b.depthwise(x, kernel=(5, 1)))


def _float_tail(b):
  """int8 up to a float operator that no stage holds."""
  x = b.dequantize(b.conv(b.conv(b.input(MAP), 4), 4))
  y = b.tensor(b.shape(x), DType.FLOAT32)
  b.output(b.add_operator('LOGISTIC', (x,), y))


def _joined_and_read_in_parts(b):
  """What is joined is read whole, and part by part after that: the parts must still be there."""
  x = b.input((1, 1, 3, 1))
  joined = b.concat([x, x], 2)
  b.output(b.arg_max(joined, 'ARG_MAX'))
  b.output(b.dequantize(joined))


TOPOLOGIES = [
  _same_output_twice,
  _input_is_output,
  _unused_input,
  _unused_result,
  _dead_network,
  _constant_output,
  _two_networks,
  _two_inputs_of_one_addition,
  _many_outputs,
  _many_inputs,
  _wide_fan,
  _long_shortcut,
  _feature_pyramid,
  _stock_between_branches,
  _stock_gate,
  _reshaped_output,
  _split_outputs,
  _split_input,
  _shuffle_unit,
  _focus,
  _super_resolution,
  _reshape_of_the_input,
  _only_reshapes,
  _sequence,
  _tall,
  _float_tail,
  _joined_and_read_in_parts,
]


@pytest.mark.parametrize('force', [False, True], ids=['if_smaller', 'forced'])
@pytest.mark.parametrize('keep_input', [False, True], ids=['input_reused', 'input_kept'])
@pytest.mark.parametrize('make', TOPOLOGIES, ids=lambda make: make.__name__.lstrip('_'))
def test_topology(make, keep_input, force):
  b = ModelBuilder(9)
  make(b)
  options = ConvertOptions(keep_input=keep_input, force_stage=force)
  check_conversion(b.build(), options, INPUTS)


@pytest.mark.parametrize('keep_input', [False, True])
def test_kept_input_serves_again(keep_input):
  """The model runs again on what is left in its input: the same only if that was kept."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  b = ModelBuilder(10)
  x = b.conv(b.input((1, 24, 24, 4)), 4, activation='RELU6')
  # The whole map is needed twice: it takes the place of the input where it may.
  b.output(b.mean(b.mul(x, b.conv(b.mean(x), 4, 1))))
  result = convert_model(b.build(), ConvertOptions(keep_input=keep_input))
  assert len(result.model.main.operators) == 1
  interpreter = Interpreter(result.data)
  noise = b.rng.integers(-128, 128, (1, 24, 24, 4)).astype(np.int8)
  (first,) = interpreter.invoke([noise])
  interpreter._interpreter.invoke()
  again = interpreter._interpreter.get_output(0)
  assert np.array_equal(first, again) == keep_input
