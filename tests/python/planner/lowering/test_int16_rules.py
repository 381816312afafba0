# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What operators of int16 maps must obey: rules let bounds pass, and refuse what is over."""

import dataclasses

import numpy as np
import pytest
from support.model_builder import ModelBuilder

from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Quantization
from tflm_patch.planner.lowering.operators import OpView, check

MAP = (1, 5, 7, 6)


def single(make, shape=MAP):
  """A model whose last operator is the one that `make` appends, and its view."""
  b = ModelBuilder(3)
  y = make(b, b.input(shape, DType.INT16))
  b.output(*(y if isinstance(y, list) else [y]))
  model = parse_model(b.build())
  return OpView(model, model.main, len(model.main.operators) - 1)


def quantized(view, tensor, scale=None, zero_point=None):
  """The view with another scale or zero point of a tensor."""
  tensors = list(view.subgraph.tensors)
  old = tensors[tensor].quantization
  tensors[tensor] = dataclasses.replace(
    tensors[tensor],
    quantization=Quantization(
      np.array([old.scale if scale is None else scale], np.float32),
      np.array([old.zero_point if zero_point is None else zero_point], np.int64),
      old.axis,
    ),
  )
  main = dataclasses.replace(view.subgraph, tensors=tensors)
  return OpView(dataclasses.replace(view.model, subgraphs=[main]), main, view.index)


def rule(view):
  violation = check(view)
  return None if violation is None else violation.rule


def _of_two(opcode):
  return lambda b, x: getattr(b, opcode)(x, b.relu(x))


OPERATORS = {
  'abs': lambda b, x: b.abs(x),
  'add': _of_two('add'),
  'average_pool': lambda b, x: b.average_pool(x, 2, 2),
  'conv': lambda b, x: b.conv(x, 4),
  'depthwise': lambda b, x: b.depthwise(x),
  'fully_connected': lambda b, x: b.fully_connected(x, 4),
  'leaky_relu': lambda b, x: b.leaky_relu(x),
  'logistic': lambda b, x: b.logistic(x),
  'max_pool': lambda b, x: b.max_pool(x, 2, 2),
  'maximum': _of_two('maximum'),
  'mean': lambda b, x: b.mean(x),
  'minimum': _of_two('minimum'),
  'mul': _of_two('mul'),
  'relu': lambda b, x: b.relu(x),
  'relu6': lambda b, x: b.relu6(x),
  'softmax': lambda b, x: b.softmax(x),
  'squared_difference': _of_two('squared_difference'),
  'sub': _of_two('sub'),
  'sum': lambda b, x: b.sum(x),
  'tanh': lambda b, x: b.tanh(x),
  'transpose_conv': lambda b, x: b.transpose_conv(x, 4),
}


@pytest.mark.parametrize('name', OPERATORS)
def test_zero_points_are_zero(name):
  view = single(OPERATORS[name])
  assert rule(view) is None
  operator = view.operator
  position = 2 if name == 'transpose_conv' else 0
  assert rule(quantized(view, operator.inputs[position], zero_point=1)) is not None
  assert rule(quantized(view, operator.outputs[0], zero_point=-1)) is not None


@pytest.mark.parametrize('name', OPERATORS)
def test_input_and_output_are_of_one_type(name):
  view = single(OPERATORS[name])
  tensors = list(view.subgraph.tensors)
  target = view.operator.outputs[0]
  tensors[target] = dataclasses.replace(tensors[target], dtype=DType.INT8)
  main = dataclasses.replace(view.subgraph, tensors=tensors)
  mixed = OpView(dataclasses.replace(view.model, subgraphs=[main]), main, view.index)
  assert rule(mixed) is not None


# Operators whose int16 kernels TFLM has or has not, which stages do not hold.
INT8_ONLY = {
  'batch_matmul': lambda b, x: b.batch_matmul(x, x, True),
  'gather': lambda b, x: b.gather(x, [0, 1], 1),
  'mirror_pad': lambda b, x: b.mirror_pad(x, [(0, 0), (1, 1), (0, 0), (0, 0)]),
  'reduce_max': lambda b, x: b.reduce_max(x),
  'resize_bilinear': lambda b, x: b.resize_bilinear(x, 9, 9),
  'space_to_depth': lambda b, x: b.space_to_depth(b.pad_spatial(x, 0, 1, 1, 0), 2),
}


@pytest.mark.parametrize('name', INT8_ONLY)
def test_operators_of_int8_maps_alone(name):
  violation = check(single(INT8_ONLY[name]))
  assert violation is not None
  assert 'int8' in violation.message and 'INT16' in violation.values


def scaled(name, input_scale, output_scale):
  """An operator with these scales of its first input and output."""
  view = single(OPERATORS[name])
  view = quantized(view, view.operator.inputs[0], scale=input_scale)
  return quantized(view, view.operator.outputs[0], scale=output_scale)


@pytest.mark.parametrize(
  ('name', 'good', 'bad', 'wanted'),
  [
    # (input scale, output scale)
    ('logistic', (2.6, 2.0**-15), (2.7, 2.0**-15), 'logistic_input'),
    ('logistic', (2.0**-12, 2.0**-15), (2.0**-12, 2.0**-14), 'output_zero_point'),
    ('tanh', (2.6, 2.0**-15), (2.7, 2.0**-15), 'tanh_input'),
    ('tanh', (2.0**-12, 2.0**-15), (2.0**-12, 2.0**-14), 'int16_output'),
    ('abs', (1.0, 2.0**-14), (1.0, 2.0**-15), 'scale_ratio'),
    ('relu', (1.0, 2.0**-14), (1.0, 2.0**-15), 'scale_ratio'),
    ('sum', (1.0, 2.0**-29), (1.0, 2.0**-30), 'multiplier'),
    ('mean', (1.0, 2.0**-29), (1.0, 2.0**-30), 'multiplier'),
  ],
)
def test_scales(name, good, bad, wanted):
  assert rule(scaled(name, *good)) is None
  assert rule(scaled(name, *bad)) == wanted


def test_sums_of_squares():
  """(2 * 2^-4)^2 over the output scale must be below 1."""
  view = single(OPERATORS['squared_difference'])
  for tensor in view.operator.inputs:
    view = quantized(view, tensor, scale=2.0**-4)
  assert rule(quantized(view, view.operator.outputs[0], scale=2.0**-5.9)) is None
  assert rule(quantized(view, view.operator.outputs[0], scale=2.0**-6)) == 'output_scale'


def test_additions_scale_less_than_those_of_int8():
  view = single(OPERATORS['add'])
  for tensor in view.operator.inputs:
    view = quantized(view, tensor, scale=1.0)
  assert rule(quantized(view, view.operator.outputs[0], scale=2.0**-13.9)) is None
  assert rule(quantized(view, view.operator.outputs[0], scale=2.0**-14)) == 'output_scale'


@pytest.mark.parametrize('opcode', ['mean', 'sum'])
def test_means_and_sums(opcode):
  def over(axes):
    return lambda b, x: getattr(b, opcode)(x, axes)

  assert rule(single(over((1, 2)), (1, 256, 256, 1))) is None
  assert rule(single(over((1, 2)), (1, 257, 256, 1))) == 'int16'
  assert rule(single(over((3,)))) == 'int16'
  assert rule(single(over((1, 2, 3)))) == 'int16'


def test_concatenated_maps_have_one_scale():
  view = single(lambda b, x: b.concat([x, b.max_pool(x, 3, 1, 'SAME')]))
  assert rule(view) is None
  assert rule(quantized(view, view.operator.inputs[1], scale=0.7)) == 'equal_inputs'


@pytest.mark.parametrize('name', ['conv', 'depthwise', 'fully_connected'])
def test_wide_sums_scale_below_128(name):
  view = single(OPERATORS[name])
  source = view.input().quantization.scale
  weights = float(view.input(1).quantization.scales.max())
  below = np.nextafter(np.float32(source * weights / 127), np.float32(1))
  assert rule(quantized(view, view.operator.outputs[0], scale=float(below))) is None
  assert rule(quantized(view, view.operator.outputs[0], scale=below * 0.9)) == 'wide_sums'


def test_slopes_are_not_negative():
  assert rule(single(lambda b, x: b.leaky_relu(x, -0.1))) == 'alpha'
