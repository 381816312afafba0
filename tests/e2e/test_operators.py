# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Every operator, alone and between neighbours: the stage gives TFLM's bytes.

The golden values come from the TFLM interpreter itself, at every run. A case is made
with fitting scales (two seeds) and with scales that saturate ("wild").
"""

import dataclasses

import pytest
from support.compare import check_conversion
from support.matmul_cases import MATMUL_CASES
from support.model_builder import ModelBuilder
from support.model_core import quantized
from support.moving_cases import MOVING_CASES
from support.neighbour_models import NEIGHBOUR_CASES
from support.operator_cases import INPUTS, MAP, Case, activations, check_case, windows
from support.recurrent_cases import RECURRENT_CASES
from support.requantize_cases import REQUANTIZE_CASES

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.types import DType


def _binary(opcode: str, fused: bool = True) -> list[Case]:
  """Broadcasts of a binary operator, either way round."""
  shapes = {
    'scalar': (),
    'vector': (6,),
    'channels': (1, 1, 1, 6),
    'one': (1, 1, 1, 1),
    'plane': (1, 7, 9, 1),
    'column': (1, 7, 1, 1),
    'row': (1, 1, 9, 6),
    'whole': MAP,
    'lower_rank': (1, 1, 6),
    'lower_rank_plane': (9, 1),
  }
  cases = []
  for name, shape in shapes.items():
    for swapped in (False, True):

      def constant(b: ModelBuilder, x: int, shape=shape, swapped=swapped) -> int:
        pair = (x, b.constant_operand(shape))
        return getattr(b, opcode)(*(pair[::-1] if swapped else pair))

      def computed(b: ModelBuilder, x: int, shape=shape, swapped=swapped) -> int:
        pair = (x, b.input(shape))
        return getattr(b, opcode)(*(pair[::-1] if swapped else pair))

      side = 'first' if swapped else 'second'
      cases.append(Case(f'{opcode}_constant_{name}_{side}', constant))
      if len(shape) == 4:
        cases.append(Case(f'{opcode}_input_{name}_{side}', computed))
  cases.append(Case(f'{opcode}_itself', lambda b, x: getattr(b, opcode)(x, x)))
  if not fused:
    return cases
  return cases + activations(opcode, lambda b, x, **kw: getattr(b, opcode)(x, b.input(MAP), **kw))


def _prelus() -> list[Case]:
  shapes = {
    'channels': (1, 1, 6),
    'one': (1,),
    'map': (7, 9, 6),
    'column': (7, 1, 1),
    'row': (9, 1),
  }
  cases = [
    Case(f'prelu_{name}', lambda b, x, s=shape: b.prelu(x, b.constant_operand(s)))
    for name, shape in shapes.items()
  ]
  computed = Case('prelu_computed', lambda b, x: b.prelu(x, b.conv(b.mean(x), 6, 1)))
  return [*cases, computed]


def _gates() -> list[Case]:
  """A map and what is computed from its own mean, of one row and column."""

  def gated(b: ModelBuilder, x: int, opcode: str, gate: str, swapped: bool) -> int:
    y = getattr(b, gate)(b.conv(b.conv(b.mean(x), 3, 1, activation='RELU'), 6, 1))
    return getattr(b, opcode)(*((y, x) if swapped else (x, y)))

  table = [
    ('mul', 'logistic', False),
    ('mul', 'logistic', True),
    ('mul', 'hard_swish', False),
    ('add', 'tanh', False),
    ('add', 'relu', True),
    ('sub', 'logistic', False),
    ('sub', 'leaky_relu', True),
    ('maximum', 'relu6', False),
    ('prelu', 'tanh', False),
  ]
  return [
    Case(
      f'gate_{opcode}_{gate}_{"first" if swapped else "second"}',
      lambda b, x, arguments=(opcode, gate, swapped): gated(b, x, *arguments),
    )
    for opcode, gate, swapped in table
  ]


def _nearest(b: ModelBuilder, x: int, *arguments: object) -> int:
  return b.resize_nearest(x, *arguments)


def _slices() -> list[Case]:
  """STRIDED_SLICE with masks, negative indices and strides, and SLICE."""
  whole = {'begin': (0, 0, 0, 0), 'end': MAP, 'strides': (1, 1, 1, 1)}
  table: dict[str, dict[str, object]] = {
    'channels': {'begin': (0, 0, 0, 2), 'end': (1, 7, 9, 5)},
    'first_channels': {'end': (1, 7, 9, 4)},
    'every_second_channel': {'begin': (0, 0, 0, 1), 'strides': (1, 1, 1, 2)},
    'channels_reversed': {'strides': (1, 1, 1, -1), 'begin_mask': 8, 'end_mask': 8},
    'rows': {'begin': (0, 2, 0, 0), 'end': (1, 6, 9, 6)},
    'every_third_row': {'begin': (0, 1, 0, 0), 'strides': (1, 3, 1, 1)},
    'last_row': {'begin': (0, -1, 0, 0), 'end_mask': 2, 'strides': (1, -9, 1, 1)},
    'columns': {'begin': (0, 0, 3, 0), 'end': (1, 7, 8, 6)},
    'every_second_column': {'strides': (1, 1, 2, 1), 'end_mask': 15},
    'columns_reversed': {'begin': (0, 0, -2, 0), 'end': (1, 7, -9, 6), 'strides': (1, 1, -2, 1)},
    'everything': {'begin': (0, 1, 1, -2), 'end': (1, -1, 99, -7), 'strides': (1, 2, 3, -2)},
    'beyond': {'begin': (-5, -99, 4, 1), 'end': (9, 99, 99, 99)},
    'one_value': {'begin': (0, 3, 4, 5), 'end': (1, 4, 5, 6), 'strides': (1, 9, 9, 9)},
  }
  cases = [
    Case(f'strided_slice_{name}', lambda b, x, f={**whole, **fields}: b.strided_slice(x, **f))
    for name, fields in table.items()
  ]
  shrunk = {**whole, 'begin': (0, 0, 3, 0), 'shrink_mask': 4}
  return [
    *cases,
    Case('strided_slice_shrunk', lambda b, x: b.strided_slice(x, **shrunk)),
    Case(
      'strided_slice_vectors',
      lambda b, x: b.strided_slice(x, (1, 2), (3, 9), (1, 3)),
      (4, 9),
      framed=False,
    ),
    Case('slice', lambda b, x: b.slice(x, (0, 1, 2, 3), (1, 5, -1, 2))),
    Case('slice_rows', lambda b, x: b.slice(x, (0, 3, 0, 0), (-1, 3, -1, -1))),
  ]


def _splits() -> list[Case]:
  """SPLIT and SPLIT_V: a part of which the others are not read, and all parts joined again."""
  cases = [
    Case('split_channels', lambda b, x: b.split(x, 3)[1]),
    Case('split_last_part', lambda b, x: b.split(x, 2, -1)[1]),
    Case('split_columns', lambda b, x: b.split(x, 3, 2)[0]),
    Case('split_rows', lambda b, x: b.split(x, 7, 1)[5]),
    Case('split_one', lambda b, x: b.split(x, 1)[0]),
    Case('split_joined', lambda b, x: b.concat(b.split(x, 3)[::-1])),
    Case('split_twice', lambda b, x: b.concat(b.split(b.split(x, 2)[1], 3))),
    Case('split_vectors', lambda b, x: b.split(x, 3, 1)[2], (4, 9), framed=False),
    Case('split_v_joined', lambda b, x: b.concat(b.split_v(x, [1, 3, 2])[::-1])),
    Case('split_v_columns', lambda b, x: b.split_v(x, [4, 1, 4], 2)[1]),
    Case('split_v_rows', lambda b, x: b.split_v(x, [2, 4, 1], 1)[1]),
  ]
  parts = (lambda b, x, axis=axis: b.add(*b.split(x, 2, axis)) for axis in (1, 2))
  shape = (1, 6, 8, 5)
  return [*cases, *(Case(f'split_halves_{i}', make, shape) for i, make in enumerate(parts))]


def _joined(b: ModelBuilder, x: int) -> int:
  other = b.quantize(b.conv(x, 3, 1), like=x)
  return b.concat([other, x, other])


CASES = [
  *windows('conv', lambda b, x, **kw: b.conv(x, 5, **kw)),
  *activations('conv', lambda b, x, **kw: b.conv(x, 5, **kw)),
  Case('conv_per_tensor', lambda b, x: b.conv(x, 5, per_channel=False)),
  Case('conv_no_bias', lambda b, x: b.conv(x, 5, bias=False)),
  Case('conv_grouped', lambda b, x: b.conv(x, 4, groups=2)),
  Case('conv_int4', lambda b, x: b.conv(x, 5, int4=True)),
  Case('conv_int4_per_tensor', lambda b, x: b.conv(x, 5, 1, per_channel=False, int4=True)),
  Case('conv_int4_grouped', lambda b, x: b.conv(x, 4, groups=2, int4=True)),
  Case('depthwise_int4', lambda b, x: b.depthwise(x, int4=True)),
  Case('depthwise_int4_odd', lambda b, x: b.depthwise(x, 1, 3, int4=True), shape=(1, 5, 4, 7)),
  Case('depthwise_int4_multiplier', lambda b, x: b.depthwise(x, 3, per_channel=False, int4=True)),
  Case('fully_connected_int4', lambda b, x: b.fully_connected(x, 5, int4=True)),
  Case('fully_connected_int4_odd', lambda b, x: b.fully_connected(x, 3, int4=True), (1, 7, 9, 5)),
  Case('conv_groups_of_one', lambda b, x: b.conv(x, 12, groups=6)),
  Case('conv_dilated', lambda b, x: b.conv(x, 5, dilation=2)),
  Case('conv_dilated_2x3_valid', lambda b, x: b.conv(x, 5, dilation=(2, 3), padding='VALID')),
  Case('conv_pointwise', lambda b, x: b.conv(x, 17, 1)),
  Case('conv_one_channel', lambda b, x: b.conv(x, 1, 3), shape=(1, 7, 9, 1)),
  Case('conv_one_row', lambda b, x: b.conv(x, 5), shape=(1, 1, 9, 6)),
  Case('conv_one_column', lambda b, x: b.conv(x, 5), shape=(1, 9, 1, 6)),
  Case('conv_one_pixel', lambda b, x: b.conv(x, 5), shape=(1, 1, 1, 6)),
  Case('conv_many_channels', lambda b, x: b.conv(x, 33, 3), shape=(1, 4, 3, 65)),
  *windows('depthwise', lambda b, x, **kw: b.depthwise(x, **kw)),
  *activations('depthwise', lambda b, x, **kw: b.depthwise(x, **kw)),
  Case('depthwise_per_tensor', lambda b, x: b.depthwise(x, per_channel=False)),
  Case('depthwise_no_bias', lambda b, x: b.depthwise(x, bias=False)),
  Case('depthwise_multiplier_3', lambda b, x: b.depthwise(x, 3)),
  Case('depthwise_multiplier_5_of_one', lambda b, x: b.depthwise(x, 5), shape=(1, 7, 9, 1)),
  Case('depthwise_dilated', lambda b, x: b.depthwise(x, dilation=2)),
  Case('depthwise_dilated_5x1', lambda b, x: b.depthwise(x, kernel=(3, 1), dilation=(2, 1))),
  *[
    Case(
      f'transpose_conv_{padding}_{kernel}_{stride}'.replace(', ', 'x'),
      lambda b, x, a=(kernel, stride, padding): b.transpose_conv(x, 5, *a),
    )
    for padding in ('SAME', 'VALID')
    for kernel, stride in (
      (3, 2),
      (2, 2),
      (4, 2),
      (1, 1),
      (3, 1),
      (2, 3),
      (1, 2),
      ((5, 3), (2, 3)),
      ((1, 4), (1, 3)),
      (9, 4),
    )
  ],
  *activations('transpose_conv', lambda b, x, **kw: b.transpose_conv(x, 5, **kw)),
  Case('transpose_conv_per_tensor', lambda b, x: b.transpose_conv(x, 5, per_channel=False)),
  Case('transpose_conv_no_bias', lambda b, x: b.transpose_conv(x, 5, bias=False)),
  Case('transpose_conv_many', lambda b, x: b.transpose_conv(x, 33), shape=(1, 3, 2, 65)),
  Case('transpose_conv_one', lambda b, x: b.transpose_conv(x, 1), shape=(1, 3, 2, 1)),
  Case('transpose_conv_odd_size', lambda b, x: b.transpose_conv(x, 5, size=(13, 17))),
  Case('transpose_conv_cut', lambda b, x: b.transpose_conv(x, 5, size=(5, 8))),
  Case(
    'transpose_conv_beyond', lambda b, x: b.transpose_conv(x, 5, padding='VALID', size=(25, 26))
  ),
  *activations('fully_connected', lambda b, x, **kw: b.fully_connected(x, 5, **kw), bias=True),
  Case('fully_connected_per_channel', lambda b, x: b.fully_connected(x, 5, per_channel=True)),
  Case('fully_connected_no_bias', lambda b, x: b.fully_connected(x, 5, bias=False)),
  Case('fully_connected_vector', lambda b, x: b.fully_connected(x, 9), (1, 37), framed=False),
  Case(
    'fully_connected_batch',
    lambda b, x: b.fully_connected(x, 9, flatten=False),
    (4, 21),
    framed=False,
  ),
  Case(
    'fully_connected_one_row_kept',
    lambda b, x: b.fully_connected(x, 9, keep_num_dims=True),
    (1, 1, 1, 21),
  ),
  Case(
    'fully_connected_of_cells',
    lambda b, x: b.fully_connected(x, 9, flatten=False, keep_num_dims=True, activation='RELU6'),
  ),
  Case(
    'fully_connected_of_cells_per_channel',
    lambda b, x: b.fully_connected(x, 4, flatten=False, keep_num_dims=True, per_channel=True),
  ),
  Case(
    'fully_connected_of_cells_int4',
    lambda b, x: b.fully_connected(x, 4, flatten=False, keep_num_dims=True, int4=True),
  ),
  Case(
    'fully_connected_of_steps',
    lambda b, x: b.fully_connected(x, 9, flatten=False, keep_num_dims=True),
    (1, 11, 6),
    framed=False,
  ),
  *windows('average_pool', lambda b, x, **kw: b.average_pool(x, **kw)),
  *activations('average_pool', lambda b, x, **kw: b.average_pool(x, **kw)),
  *windows('max_pool', lambda b, x, **kw: b.max_pool(x, **kw)),
  *activations('max_pool', lambda b, x, **kw: b.max_pool(x, **kw)),
  *_binary('add'),
  *_binary('mul'),
  *_binary('sub'),
  *_binary('maximum', fused=False),
  *_binary('minimum', fused=False),
  *_binary('squared_difference', fused=False),
  Case('add_n_two', lambda b, x: b.add_n(x, b.constant_operand(MAP, like=x))),
  Case(
    'add_n_three',
    lambda b, x: b.add_n(x, b.relu6(x), b.quantize(b.max_pool(x, 3, 1, 'SAME'), like=x)),
  ),
  Case('add_n_itself', lambda b, x: b.add_n(x, x, x)),
  Case('add_n_fifteen', lambda b, x: b.add_n(*[x] * 15)),
  *_prelus(),
  Case('mean', lambda b, x: b.mean(x)),
  Case('mean_vector', lambda b, x: b.mean(x, keep_dims=False), framed=False),
  Case('mean_negative_axes', lambda b, x: b.mean(x, (-2, -3))),
  Case('mean_rows', lambda b, x: b.mean(x, (1,))),
  Case('mean_columns', lambda b, x: b.mean(x, (2,))),
  Case('mean_of_one', lambda b, x: b.mean(x), (1, 1, 1, 6)),
  Case('mean_of_many', lambda b, x: b.mean(x), (1, 32, 32, 2)),
  Case('softmax', lambda b, x: b.softmax(x)),
  Case('softmax_beta', lambda b, x: b.softmax(x, beta=0.3)),
  Case('softmax_vector', lambda b, x: b.softmax(x), (1, 10), framed=False),
  Case('softmax_rows', lambda b, x: b.softmax(x), (5, 10), framed=False),
  Case('quantize_float', lambda b, x: b.quantize(x), dtype=DType.FLOAT32, framed=False),
  Case('quantize_uint8', lambda b, x: b.quantize(x), dtype=DType.UINT8, framed=False),
  Case('quantize_int8', lambda b, x: b.quantize(x)),
  Case('quantize_to_uint8', lambda b, x: b.quantize(x, DType.UINT8), framed=False),
  Case('dequantize', lambda b, x: b.dequantize(x), framed=False),
  Case('dequantize_uint8', lambda b, x: b.dequantize(x), dtype=DType.UINT8, framed=False),
  Case('relu', lambda b, x: b.relu(x)),
  Case('relu6', lambda b, x: b.relu6(x)),
  Case('logistic', lambda b, x: b.logistic(x)),
  Case('tanh', lambda b, x: b.tanh(x)),
  Case('hard_swish', lambda b, x: b.hard_swish(x)),
  Case('leaky_relu', lambda b, x: b.leaky_relu(x)),
  Case('leaky_relu_steep', lambda b, x: b.leaky_relu(x, 1.7)),
  Case('elu', lambda b, x: b.elu(x)),
  Case('abs', lambda b, x: b.abs(x)),
  Case('rsqrt', lambda b, x: b.rsqrt(b.quantize(x, like=b.input((1, 1), zero_point=-128)))),
  *_gates(),
  Case('pad', lambda b, x: b.pad_spatial(x, 1, 2, 3, 0)),
  Case('pad_channels', lambda b, x: b.pad(x, [(0, 0), (1, 0), (0, 1), (2, 3)])),
  Case('pad_value', lambda b, x: b.pad(x, [(0, 0), (1, 1), (2, 2), (0, 1)], value=-7)),
  Case('transpose', lambda b, x: b.transpose(x, (0, 2, 3, 1)), framed=False),
  Case(
    'transpose_float',
    lambda b, x: b.quantize(b.transpose(x, (0, 2, 3, 1))),
    dtype=DType.FLOAT32,
    framed=False,
  ),
  Case('resize_twice', lambda b, x: _nearest(b, x, 14, 18)),
  Case('resize_smaller', lambda b, x: _nearest(b, x, 3, 4)),
  Case('resize_corners', lambda b, x: _nearest(b, x, 11, 20, True)),
  Case('resize_half_pixel', lambda b, x: _nearest(b, x, 11, 20, False, True)),
  Case('resize_both', lambda b, x: _nearest(b, x, 13, 17, True, True)),
  *[
    Case(
      f'bilinear_{name}_{rows}x{cols}',
      lambda b, x, a=(rows, cols, *flags): b.resize_bilinear(x, *a),
    )
    for name, flags in (
      ('plain', (False, False)),
      ('corners', (True, False)),
      ('half_pixel', (False, True)),
    )
    for rows, cols in ((14, 18), (3, 4), (11, 20), (7, 9), (1, 1), (1, 30), (28, 5))
  ],
  Case('bilinear_of_one', lambda b, x: b.resize_bilinear(x, 4, 5), (1, 1, 1, 6)),
  Case('concatenation', _joined),
  *_slices(),
  *_splits(),
  Case('space_to_depth', lambda b, x: b.space_to_depth(x, 2), (1, 8, 6, 3)),
  Case('space_to_depth_3', lambda b, x: b.space_to_depth(x, 3), (1, 6, 9, 2)),
  Case('space_to_depth_1', lambda b, x: b.space_to_depth(x, 1)),
  Case('depth_to_space', lambda b, x: b.depth_to_space(x, 2), (1, 5, 4, 12)),
  Case('depth_to_space_3', lambda b, x: b.depth_to_space(x, 3), (1, 2, 3, 9)),
  Case('depth_to_space_1', lambda b, x: b.depth_to_space(x, 1)),
  Case(
    'blocks_there_and_back', lambda b, x: b.depth_to_space(b.space_to_depth(x, 2), 2), (1, 8, 6, 3)
  ),
  Case('reshape_flat', lambda b, x: b.fully_connected(b.reshape(x, (1, 378)), 4)),
  Case('reshape_turned', lambda b, x: b.reshape(x, (1, 9, 7, 6))),
  Case('reshape_line', lambda b, x: b.reshape(x, (1, 1, 63, 6))),
  Case('reshape_column', lambda b, x: b.reshape(x, (1, 63, 1, 6))),
  Case('reshape_channels', lambda b, x: b.reshape(x, (1, 7, 3, 18))),
  Case('reshape_rank_3', lambda b, x: b.reshape(x, (1, 63, 6)), framed=False),
  Case('reshape_there_and_back', lambda b, x: b.reshape(b.relu(b.reshape(x, (1, 21, 9, 2))), MAP)),
  Case(
    'reshape_read_twice',
    lambda b, x: b.concat([b.reshape(x, (1, 9, 7, 6)), b.reshape(b.relu6(x), (1, 9, 7, 6))]),
  ),
  Case('squeeze', lambda b, x: b.squeeze(b.mean(x), (1, 2)), framed=False),
  Case(
    'expand_dims',
    lambda b, x: b.conv(b.expand_dims(b.expand_dims(x, 1), 1), 4, 1),
    (1, 6),
    framed=False,
  ),
  *MOVING_CASES,
  *MATMUL_CASES,
  *NEIGHBOUR_CASES,
  *RECURRENT_CASES,
  *REQUANTIZE_CASES,
]


@pytest.mark.parametrize('seed, wild', [(0, False), (1, False), (2, True)])
@pytest.mark.parametrize('case', CASES, ids=lambda case: case.name)
def test_operator_alone(case, seed, wild):
  check_case(case, False, seed, wild)


@pytest.mark.parametrize('seed, wild', [(3, False), (4, True)])
@pytest.mark.parametrize('case', [case for case in CASES if case.framed], ids=lambda c: c.name)
def test_operator_between_neighbours(case, seed, wild):
  check_case(case, True, seed, wild)


# Operators that no stage holds, and a word of the reason.
STOCK_CASES = {
  'LEAKY_RELU': (lambda b, x: b.leaky_relu(x, -0.3), 'negative'),
  'STRIDED_SLICE': (
    lambda b, x: b.strided_slice(x, (0, 6, 0, 0), (1, 0, 9, 6), (1, -2, 1, 1)),
    'Rows',
  ),
  'GATHER': (lambda b, x: b.gather(x, [0], 0), 'axis'),
  'BATCH_MATMUL': (lambda b, x: b.batch_matmul(x, x, adj_x=True), 'adj_x'),
  'MEAN': (lambda b, x: b.mean(x, (0,)), 'axes'),
  'CUMSUM': (lambda b, x: b.cumsum(x, 1, reverse=True), 'reverse'),
}


@pytest.mark.parametrize('opcode', STOCK_CASES)
def test_stock_operator_between_stages(opcode):
  """What no stage holds stays stock, with the reason, and its neighbours go into stages."""
  make, word = STOCK_CASES[opcode]
  b = ModelBuilder(5)
  x = b.conv(b.input((1, 7, 9, 3)), 6, activation='RELU6')
  x = make(b, x)
  x = b.add(x, b.conv(x, b.shape(x)[3]))
  b.output(x)
  result = check_conversion(b.build(), ConvertOptions(force_stage=True), INPUTS)
  (stock,) = result.stock_operators
  assert stock.opcode == opcode
  assert stock.index == 1
  assert word in stock.reason
  assert len(result.stages) == 2


# ---- operators that contradict themselves: TFLM runs them, no stage does ----


def _staged(data: bytes, index: int) -> bool:
  """Whether a stage holds the operator; the conversion itself must not fail."""
  result = convert_model(data, ConvertOptions(force_stage=True))
  return any(index in stage.region for stage in result.stages)


@pytest.mark.parametrize('case', CASES, ids=lambda case: case.name)
def test_output_of_another_shape_stays_stock(case):
  for axis in range(4):
    for change in (1, -1):
      b = ModelBuilder()
      y = case.make(b, b.input(case.shape, case.dtype))
      b.output(y)
      shape = list(b.shape(y))
      if axis >= len(shape) or shape[axis] + change < 1:
        continue
      shape[axis] += change
      b.tensors[y] = dataclasses.replace(b.tensors[y], shape=tuple(shape))
      assert not _staged(b.build(), len(b.operators) - 1), shape


@pytest.mark.parametrize('name', ['conv', 'depthwise', 'average_pool', 'max_pool'])
def test_window_without_options_stays_stock(name):
  """TFLM takes strides of 0 then, not the schema's defaults."""
  b = ModelBuilder()
  x = b.input(MAP)
  b.output(b.conv(x, 4) if name == 'conv' else getattr(b, name)(x))
  b.operators[-1] = dataclasses.replace(b.operators[-1], options=None)
  assert not _staged(b.build(), 0)


def test_depth_multiplier_of_another_value_stays_stock():
  """TFLM multiplies by what the options say, not by what the shapes say."""
  b = ModelBuilder()
  b.output(b.depthwise(b.input(MAP)))
  b.operators[0].options.depthMultiplier = 2
  assert not _staged(b.build(), 0)


@pytest.mark.parametrize('rows, flags', [(2000, (False, False)), (14, (True, True))])
def test_bilinear_that_tflm_cannot_compute_stays_stock(rows, flags):
  """Its rounded step leads beyond the map, or it refuses the options."""
  b = ModelBuilder()
  b.output(b.resize_bilinear(b.input((1, 3, 2, 1)), rows, 2, *flags))
  assert not _staged(b.build(), 0)


# ---- the model's boundary with --int8-io ----


def test_int8_io_of_an_input_that_is_an_output_too():
  """The quantized input is an output of the model, beside what is computed from it."""
  b = ModelBuilder(6)
  x = b.quantize(b.input(MAP, DType.FLOAT32))
  b.output(x, b.dequantize(b.add(x, b.conv(x, 6))))
  check_conversion(b.build(), ConvertOptions(int8_io=True, force_stage=True), INPUTS)


def test_int8_io_of_an_output_that_is_read_further():
  b = ModelBuilder(7)
  x = b.conv(b.quantize(b.input(MAP, DType.FLOAT32)), 6)
  b.output(b.dequantize(x), b.dequantize(b.depthwise(x)))
  check_conversion(b.build(), ConvertOptions(int8_io=True, force_stage=True), INPUTS)


def test_int8_io_keeps_an_int8_input_of_another_scale():
  b = ModelBuilder(8)
  b.output(b.conv(b.quantize(b.input(MAP)), 6))
  check_conversion(b.build(), ConvertOptions(int8_io=True, force_stage=True), INPUTS)


@pytest.mark.parametrize(('power', 'holds'), [(21, True), (22, False), (36, False)])
def test_quantize_by_a_shift_that_tflm_does_not_define_stays_stock(power, holds):
  """Its kernel shifts an int32 to the left by the power: past 30 a core does what it likes."""
  b = ModelBuilder()
  x = b.input(MAP, scale=2.0 ** (power - 5))
  b.output(
    b.add_operator('QUANTIZE', (x,), b.tensor(MAP, DType.INT8, quantized(2.0**-5, -30))), b.relu(x)
  )
  data = b.build()
  assert _staged(data, 0) == holds
  check_conversion(data, ConvertOptions(force_stage=True), INPUTS)
