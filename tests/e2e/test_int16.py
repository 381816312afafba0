# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators on int16 maps (TFLM's 16x8 scheme): the stage gives TFLM's bytes."""

import dataclasses
import importlib
import itertools
import pathlib

import numpy as np
import pytest
from support.compare import assert_same_bytes, check_conversion
from support.model_builder import ModelBuilder
from support.operator_cases import MAP, Case, activations, check_case, windows

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.types import DType
from tflm_patch.runtime.tflm import Interpreter


def _operand(b: ModelBuilder, shape: tuple[int, ...]) -> int:
  return b.constant_operand(shape, dtype=DType.INT16)


def _adds() -> list[Case]:
  """Broadcasts of ADD, either way round."""
  shapes = {
    'scalar': (),
    'channels': (1, 1, 1, 6),
    'plane': (1, 7, 9, 1),
    'row': (1, 1, 9, 6),
    'whole': MAP,
  }
  cases = [Case('add_itself', lambda b, x: b.add(x, x))]
  for name, shape in shapes.items():
    cases += [
      Case(f'add_{name}_second', lambda b, x, s=shape: b.add(x, _operand(b, s))),
      Case(f'add_{name}_first', lambda b, x, s=shape: b.add(_operand(b, s), x)),
    ]
    if len(shape) == 4:
      cases.append(
        Case(f'add_input_{name}', lambda b, x, s=shape: b.add(b.input(s, DType.INT16), x))
      )
  return cases


def _pairs() -> list[Case]:
  """MUL, SUB, MAXIMUM and MINIMUM: broadcasts of constants and inputs, either way round."""
  shapes = {
    'scalar': (),
    'channels': (1, 1, 1, 6),
    'plane': (1, 7, 9, 1),
    'row': (1, 1, 9, 6),
    'whole': MAP,
  }
  cases = []
  for op in ('mul', 'sub', 'maximum', 'minimum', 'squared_difference'):
    cases.append(Case(f'{op}_itself', lambda b, x, o=op: getattr(b, o)(x, x)))
    for name, shape in shapes.items():
      cases += [
        Case(f'{op}_{name}_second', lambda b, x, o=op, s=shape: getattr(b, o)(x, _operand(b, s))),
        Case(f'{op}_{name}_first', lambda b, x, o=op, s=shape: getattr(b, o)(_operand(b, s), x)),
      ]
    cases.append(
      Case(f'{op}_input', lambda b, x, o=op: getattr(b, o)(b.input((1, 1, 1, 6), DType.INT16), x))
    )
  for op in ('mul', 'sub'):
    cases += activations(
      op, lambda b, x, o=op, **kw: getattr(b, o)(x, b.input(MAP, DType.INT16), **kw)
    )
  return cases


INT16_CASES = [
  *windows('conv', lambda b, x, **kw: b.conv(x, 5, **kw)),
  *activations('conv', lambda b, x, **kw: b.conv(x, 5, **kw)),
  Case('conv_per_tensor', lambda b, x: b.conv(x, 5, per_channel=False)),
  Case('conv_no_bias', lambda b, x: b.conv(x, 5, bias=False)),
  Case('conv_bias_int32', lambda b, x: b.conv(x, 5, bias='int32')),
  Case('conv_no_bias_of_int32', lambda b, x: b.conv(x, 5, bias='absent int32')),
  Case('conv_grouped', lambda b, x: b.conv(x, 4, groups=2)),
  Case('conv_dilated_2x3_valid', lambda b, x: b.conv(x, 5, dilation=(2, 3), padding='VALID')),
  Case('conv_pointwise', lambda b, x: b.conv(x, 17, 1)),
  Case('conv_one_row', lambda b, x: b.conv(x, 5), shape=(1, 1, 9, 6)),
  Case('conv_one_column', lambda b, x: b.conv(x, 5), shape=(1, 9, 1, 6)),
  Case('conv_many_channels', lambda b, x: b.conv(x, 33, 3), shape=(1, 4, 3, 65)),
  Case('conv_many_channels_int32', lambda b, x: b.conv(x, 9, 3, bias='int32'), (1, 4, 3, 65)),
  *windows('depthwise', lambda b, x, **kw: b.depthwise(x, **kw)),
  *activations('depthwise', lambda b, x, **kw: b.depthwise(x, **kw)),
  Case('depthwise_per_tensor', lambda b, x: b.depthwise(x, per_channel=False)),
  Case('depthwise_no_bias', lambda b, x: b.depthwise(x, bias=False)),
  Case('depthwise_multiplier_3', lambda b, x: b.depthwise(x, 3)),
  Case('depthwise_multiplier_5_of_one', lambda b, x: b.depthwise(x, 5), shape=(1, 7, 9, 1)),
  Case('depthwise_dilated', lambda b, x: b.depthwise(x, dilation=2)),
  Case('depthwise_many_channels', lambda b, x: b.depthwise(x), shape=(1, 4, 3, 65)),
  *activations('fully_connected', lambda b, x, **kw: b.fully_connected(x, 5, **kw)),
  Case('fully_connected_per_channel', lambda b, x: b.fully_connected(x, 5, per_channel=True)),
  Case('fully_connected_no_bias', lambda b, x: b.fully_connected(x, 5, bias=False)),
  Case('fully_connected_bias_int32', lambda b, x: b.fully_connected(x, 5, bias='int32')),
  Case(
    'fully_connected_per_channel_bias_int32',
    lambda b, x: b.fully_connected(x, 5, per_channel=True, bias='int32'),
  ),
  Case(
    'fully_connected_no_bias_of_int32', lambda b, x: b.fully_connected(x, 5, bias='absent int32')
  ),
  Case(
    'fully_connected_of_cells',
    lambda b, x: b.fully_connected(x, 9, flatten=False, keep_num_dims=True),
  ),
  Case('fully_connected_vector', lambda b, x: b.fully_connected(x, 9), (1, 37), framed=False),
  Case('fully_connected_long', lambda b, x: b.fully_connected(x, 3), (1, 2000), framed=False),
  Case(
    'fully_connected_batch',
    lambda b, x: b.fully_connected(x, 9, flatten=False),
    (4, 21),
    framed=False,
  ),
  Case('reshape_flat', lambda b, x: b.fully_connected(b.reshape(x, (1, 378)), 4)),
  *windows('average_pool', lambda b, x, **kw: b.average_pool(x, **kw)),
  *activations('average_pool', lambda b, x, **kw: b.average_pool(x, **kw)),
  *windows('max_pool', lambda b, x, **kw: b.max_pool(x, **kw)),
  *activations('max_pool', lambda b, x, **kw: b.max_pool(x, **kw)),
  *_adds(),
  *activations('add', lambda b, x, **kw: b.add(x, b.input(MAP, DType.INT16), **kw)),
  Case('add_of_itself_convolved', lambda b, x: b.add(x, b.conv(x, 6))),
  Case('pad', lambda b, x: b.pad_spatial(x, 1, 2, 3, 0)),
  Case('pad_channels', lambda b, x: b.pad(x, [(0, 0), (1, 0), (0, 1), (2, 3)])),
  Case('pad_value', lambda b, x: b.pad(x, [(0, 0), (1, 1), (2, 2), (0, 1)], value=-777)),
  Case('concatenation', lambda b, x: b.concat([x, b.max_pool(x, 3, 1, 'SAME'), x])),
  Case('split_joined', lambda b, x: b.concat(b.split(x, 3)[::-1])),
  Case('split_v_rows', lambda b, x: b.split_v(x, [2, 4, 1], 1)[1]),
  Case('slice', lambda b, x: b.slice(x, (0, 1, 2, 3), (1, 5, -1, 2))),
  Case('strided_slice', lambda b, x: b.strided_slice(x, (0, 1, 8, 0), (1, 7, 0, 6), (1, 2, -3, 1))),
  *_pairs(),
  Case('logistic', lambda b, x: b.logistic(x)),
  Case('tanh', lambda b, x: b.tanh(x)),
  Case('relu', lambda b, x: b.relu(x)),
  Case('relu6', lambda b, x: b.relu6(x)),
  Case('leaky_relu', lambda b, x: b.leaky_relu(x)),
  Case('leaky_relu_steep', lambda b, x: b.leaky_relu(x, 3.7)),
  Case('leaky_relu_flat', lambda b, x: b.leaky_relu(x, 0.0)),
  Case('abs', lambda b, x: b.abs(x)),
  Case('requantize', lambda b, x: b.quantize(x, DType.INT16)),
  Case('softmax', lambda b, x: b.softmax(x)),
  Case('softmax_beta', lambda b, x: b.softmax(x, 0.3)),
  Case('softmax_vector', lambda b, x: b.softmax(x), (1, 300), framed=False),
  Case('softmax_one_column', lambda b, x: b.softmax(x), (1, 5, 1, 6)),
  Case('softmax_one_channel', lambda b, x: b.softmax(x), (1, 5, 3, 1)),
  *[Case(f'reverse_{axis}', lambda b, x, a=axis: b.reverse(x, a)) for axis in (1, 2, 3)],
  Case('broadcast_to', lambda b, x: b.broadcast_to(b.mean(x), MAP)),
  Case('sum', lambda b, x: b.sum(x)),
  Case('sum_rows', lambda b, x: b.sum(x, (1,))),
  Case('sum_columns', lambda b, x: b.sum(x, (2,))),
  Case('mean', lambda b, x: b.mean(x)),
  Case('mean_rows', lambda b, x: b.mean(x, (1,))),
  Case('mean_columns', lambda b, x: b.mean(x, (2,))),
  Case('mean_vector', lambda b, x: b.mean(x, keep_dims=False)),
  *windows('transpose_conv', lambda b, x, **kw: b.transpose_conv(x, 5, **kw)),
  *activations('transpose_conv', lambda b, x, **kw: b.transpose_conv(x, 5, **kw)),
  Case('transpose_conv_per_tensor', lambda b, x: b.transpose_conv(x, 5, per_channel=False)),
  Case('transpose_conv_no_bias', lambda b, x: b.transpose_conv(x, 5, bias=False)),
  Case('squeeze_mean', lambda b, x: b.expand_dims(b.squeeze(b.mean(x, (1,)), [1]), 2)),
  Case('resize_nearest_twice', lambda b, x: b.resize_nearest(x, 14, 18)),
  Case('resize_nearest_odd', lambda b, x: b.resize_nearest(x, 5, 13)),
  Case('resize_nearest_corners', lambda b, x: b.resize_nearest(x, 13, 17, True)),
  Case('resize_nearest_centers', lambda b, x: b.resize_nearest(x, 9, 11, False, True)),
  Case('dequantize', lambda b, x: b.dequantize(x), framed=False),
  *(
    Case(f'transpose_{"".join(map(str, axes))}', lambda b, x, p=(0, *axes): b.transpose(x, p))
    for axes in itertools.permutations((1, 2, 3))
    if axes != (1, 2, 3)
  ),
  *(
    Case(f'pack_{axis}', lambda b, x, a=axis: b.pack(b.unpack(x, a)[::-1], a)) for axis in (1, 2, 3)
  ),
  *(
    Case(f'cast_{dtype.name}'.lower(), lambda b, x, d=dtype: b.cast(x, d), framed=False)
    for dtype in (DType.FLOAT32, DType.INT32)
  ),
]
CASES = [dataclasses.replace(case, dtype=DType.INT16) for case in INT16_CASES]
QUANTIZE = Case(
  'quantize', lambda b, x: b.quantize(x, DType.INT16), dtype=DType.FLOAT32, framed=False
)


@pytest.mark.parametrize('seed, wild', [(0, False), (1, False), (2, True)])
@pytest.mark.parametrize('case', [*CASES, QUANTIZE], ids=lambda case: case.name)
def test_operator_alone(case, seed, wild):
  check_case(case, False, seed, wild)


@pytest.mark.parametrize('seed, wild', [(3, False), (4, True)])
@pytest.mark.parametrize('case', [case for case in CASES if case.framed], ids=lambda c: c.name)
def test_operator_between_neighbours(case, seed, wild):
  check_case(case, True, seed, wild)


@pytest.mark.parametrize('bias', ['int32', 'absent int32'])
@pytest.mark.parametrize('seed', range(8))
def test_scales_of_fully_connected_multiply_in_double(bias, seed):
  """Sums of 32 bits show the last bit of the multiplier in some of many outputs."""
  b = ModelBuilder(seed, False)
  x = b.input((1, 200), DType.INT16)
  b.output(b.fully_connected(x, 200, activation='NONE', per_channel=False, bias=bias))
  check_conversion(b.build(), ConvertOptions(force_stage=True), 7)


EVERY_VALUE = np.arange(-(2**15), 2**15).astype(np.int16).reshape(1, 16, 64, 64)
# Scales that TFLM treats apart, their neighbours, and others.
SCALES = (2.0**-12, 2.0**-11, 2.0**-12 * 1.0004, 2.0**-11 * 1.002, 2.0**-15, 3e-7, 2.6, 0.00173)


def check_values(operate, values: np.ndarray, scale: float) -> None:
  """An operator alone, in a stage, on given values of a scale."""
  b = ModelBuilder(1)
  b.output(operate(b, b.input(values.shape, DType.INT16, scale * 256)))
  data = b.build()
  result = convert_model(data, ConvertOptions(force_stage=True))
  assert result.stages and result.stock_operators == ()
  assert_same_bytes(Interpreter(data).invoke([values]), Interpreter(result.data).invoke([values]))


@pytest.mark.parametrize('scale', SCALES)
@pytest.mark.parametrize('opcode', ['logistic', 'tanh', 'abs', 'relu', 'relu6', 'leaky_relu'])
def test_every_value(opcode, scale):
  check_values(lambda b, x: getattr(b, opcode)(x), EVERY_VALUE, scale)


@pytest.mark.parametrize('scale', [1e-6, 2.0**-12, 10 / 65535, 0.01, 4.9])
def test_softmax_of_every_difference(scale):
  """Rows of two values, the larger of which is the largest there is."""
  pairs = np.stack([EVERY_VALUE.reshape(-1), np.full(1 << 16, 2**15 - 1, np.int16)], axis=1)
  check_values(lambda b, x: b.softmax(x), pairs.reshape(1, 256, 256, 2), scale)


@pytest.mark.parametrize('channels', [2, 3, 40, 1000, 20000])
def test_softmax_of_many_sums(channels):
  rng = np.random.default_rng(channels)
  values = rng.integers(-(2**15), 2**15, (1, 32, 3, channels)).astype(np.int16)
  check_values(lambda b, x: b.softmax(x), values, 0.00008)


def test_mean_of_most_values():
  values = np.full((1, 256, 256, 2), -(2**15), np.int16)
  values[..., 1] = 2**15 - 1
  check_values(lambda b, x: b.mean(x), values, 0.001)


@pytest.mark.slow
@pytest.mark.parametrize(
  'name', ['unet_16x8', 'attention_unet_16x8', 'denoiser_16x8', 'squeeze_excite_16x8']
)
def test_networks_are_one_stage(name, monkeypatch):
  """Each in at most 0.6 of the arena from when an operator cut its stage."""
  monkeypatch.syspath_prepend(str(pathlib.Path(__file__).resolve().parents[2] / 'benchmarks'))
  table = importlib.import_module('operators_table')
  assert name in table.NETWORKS
  row = table.measure(name)
  assert (row.stages, row.stock_operators) == (1, [])
  assert row.ratio <= 0.6
