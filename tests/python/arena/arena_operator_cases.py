# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""One or more small models for every operator that the arena prediction knows.

Sizes are odd on purpose: they do not divide by any alignment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from arena_models import BOOL, FLOAT32, INT4, INT8, INT16, INT32, INT64, RESOURCE, SmallModel

Options = tuple[str, dict[str, Any]] | None
Case = Callable[[], bytes]
Tensors = Sequence[tuple[Sequence[int], int]]

_MAP = (1, 5, 7, 3)
CASES: dict[str, list[Case]] = {}


def _add(opcode: str, case: Case) -> None:
  CASES.setdefault(opcode, []).append(case)


def case(opcode: str) -> Callable[[Case], Case]:
  def register(function: Case) -> Case:
    _add(opcode, function)
    return function

  return register


def simple(
  opcode: str,
  inputs: Tensors,
  outputs: Tensors,
  options: Options = None,
  constants: Sequence[Any] = (),
  **quantization: Any,
) -> None:
  """A case of computed inputs, then constant ones, and outputs."""

  def build() -> bytes:
    model = SmallModel()
    reads = [model.tensor(shape, dtype, **quantization) for shape, dtype in inputs]
    fixed = [model.constant(values) for values in constants]
    writes = [model.tensor(shape, dtype, **quantization) for shape, dtype in outputs]
    model.op(opcode, reads + fixed, writes, options)
    model.interface(reads, writes)
    return model.build()

  _add(opcode, build)


def weights_case(
  opcode: str,
  weights: Sequence[int],
  source: Sequence[int],
  result: Sequence[int],
  options: Options,
  dtype: int = INT8,
  weights_dtype: int = INT8,
  channels: int = 1,
  axis: int = 0,
  bias: int | None = None,
) -> None:
  """Weights with as many scales as channels, and a bias of so many values."""

  def build() -> bytes:
    model = SmallModel()
    read, write = model.tensor(source, dtype), model.tensor(result, dtype)
    bits = {FLOAT32: 32, INT4: 4}.get(weights_dtype, 8)
    data = bytes((int(np.prod(weights)) * bits + 7) // 8)
    scales = [0.5 / (i + 1) for i in range(channels)]
    kernel = model.tensor(weights, weights_dtype, scales, axis=axis, data=data)
    reads = [read, kernel]
    if bias is not None:
      bias_type = {FLOAT32: 'float32', INT16: 'int64'}.get(dtype, 'int32')
      reads.append(model.constant(np.zeros(bias), bias_type, scales=(0.25,)))
    model.op(opcode, reads, [write], options)
    model.interface([read], [write])
    return model.build()

  _add(opcode, build)


# ---- convolutions and matrix products ----

_CONV = ('Conv2DOptions', {'strideW': 1, 'strideH': 1, 'padding': 0})
_DEPTHWISE = ('DepthwiseConv2DOptions', {'strideW': 1, 'strideH': 1, 'depthMultiplier': 2})
_DENSE = ('FullyConnectedOptions', {})
for _channels in (1, 5, 16):
  weights_case(
    'CONV_2D',
    (_channels, 3, 3, 3),
    _MAP,
    (1, 5, 7, _channels),
    _CONV,
    channels=_channels,
    bias=_channels,
  )
weights_case('CONV_2D', (5, 3, 3, 3), _MAP, (1, 5, 7, 5), _CONV, channels=1)
weights_case('CONV_2D', (5, 3, 3, 3), _MAP, (1, 5, 7, 5), _CONV, FLOAT32, FLOAT32)
weights_case('CONV_2D', (5, 3, 3, 3), _MAP, (1, 5, 7, 5), _CONV, INT16, channels=5, bias=5)
weights_case('CONV_2D', (5, 3, 3, 3), _MAP, (1, 5, 7, 5), _CONV, INT8, INT4, channels=5)
weights_case(
  'DEPTHWISE_CONV_2D', (1, 3, 3, 6), _MAP, (1, 5, 7, 6), _DEPTHWISE, channels=6, axis=3, bias=6
)
weights_case('DEPTHWISE_CONV_2D', (1, 3, 3, 6), _MAP, (1, 5, 7, 6), _DEPTHWISE, FLOAT32, FLOAT32)
weights_case(
  'DEPTHWISE_CONV_2D', (1, 3, 3, 6), _MAP, (1, 5, 7, 6), _DEPTHWISE, INT8, INT4, channels=6, axis=3
)
weights_case('FULLY_CONNECTED', (7, 13), (1, 13), (1, 7), _DENSE, bias=7)
weights_case('FULLY_CONNECTED', (7, 13), (1, 13), (1, 7), _DENSE, channels=7, bias=7)
weights_case('FULLY_CONNECTED', (7, 13), (1, 13), (1, 7), _DENSE, FLOAT32, FLOAT32)
weights_case('FULLY_CONNECTED', (7, 14), (1, 14), (1, 7), _DENSE, INT8, INT4)
weights_case('FULLY_CONNECTED', (7, 13), (1, 13), (1, 7), _DENSE, INT16, bias=7)


def _transpose_conv(dtype: int, weights_dtype: int, bias: str | None) -> Case:
  def build() -> bytes:
    model = SmallModel()
    shape = model.constant([1, 5, 7, 6])
    element = 4 if weights_dtype == FLOAT32 else 1
    kernel = model.tensor((6, 3, 3, 3), weights_dtype, [0.5] * 6, data=bytes(162 * element))
    read, write = model.tensor(_MAP, dtype), model.tensor((1, 5, 7, 6), dtype)
    reads = [shape, kernel, read]
    if bias is not None:
      reads.append(model.constant(np.zeros(6), bias, scales=()))
    model.op(
      'TRANSPOSE_CONV', reads, [write], ('TransposeConvOptions', {'strideW': 1, 'strideH': 1})
    )
    model.interface([read], [write])
    return model.build()

  return build


_add('TRANSPOSE_CONV', _transpose_conv(INT8, INT8, 'int32'))
_add('TRANSPOSE_CONV', _transpose_conv(INT16, INT8, 'int64'))
_add('TRANSPOSE_CONV', _transpose_conv(INT16, INT8, 'int16'))
_add('TRANSPOSE_CONV', _transpose_conv(FLOAT32, FLOAT32, None))

for _type in (INT8, FLOAT32):
  for _adj_x, _adj_y in ((False, False), (True, True), (True, False), (False, True)):
    simple(
      'BATCH_MATMUL',
      [((2, 7, 3) if _adj_x else (2, 3, 7), _type), ((2, 5, 7) if _adj_y else (2, 7, 5), _type)],
      [((2, 3, 5), _type)],
      ('BatchMatMulOptions', {'adjX': _adj_x, 'adjY': _adj_y}),
    )

# ---- pools and reductions ----

_POOL = ('Pool2DOptions', {'strideW': 2, 'strideH': 2, 'filterWidth': 2, 'filterHeight': 2})
for _name in ('AVERAGE_POOL_2D', 'MAX_POOL_2D'):
  simple(_name, [(_MAP, INT8)], [((1, 3, 4, 3), INT8)], _POOL)
simple('AVERAGE_POOL_2D', [(_MAP, FLOAT32)], [((1, 3, 4, 3), FLOAT32)], _POOL)
simple('L2_POOL_2D', [(_MAP, FLOAT32)], [((1, 3, 4, 3), FLOAT32)], _POOL)

for _name in ('MEAN', 'SUM', 'REDUCE_MAX', 'REDUCE_MIN'):
  for _type in (INT8, FLOAT32):
    simple(_name, [(_MAP, _type)], [((1, 3), _type)], ('ReducerOptions', {}), [[1, 2]])
    simple(
      _name, [(_MAP, _type)], [((1, 5, 1, 3), _type)], ('ReducerOptions', {'keepDims': True}), [2]
    )
simple('MEAN', [(_MAP, INT16)], [((1, 3), INT16)], ('ReducerOptions', {}), [[1, 2]])
simple('REDUCE_ALL', [(_MAP, BOOL)], [((1, 3), BOOL)], ('ReducerOptions', {}), [[1, 2]])
for _type in (INT8, FLOAT32):
  simple('CUMSUM', [(_MAP, _type)], [(_MAP, _type)], ('CumsumOptions', {}), [1])
simple('ARG_MAX', [((1, 13), INT8)], [((1,), INT32)], ('ArgMaxOptions', {'outputType': INT32}), [1])
simple('ARG_MIN', [((1, 13), INT8)], [((1,), INT32)], ('ArgMinOptions', {'outputType': INT32}), [1])

# ---- arithmetic of two or more tensors ----

for _name, _table in (('ADD', 'AddOptions'), ('SUB', 'SubOptions'), ('MUL', 'MulOptions')):
  for _type in (INT8, INT16, FLOAT32):
    simple(_name, [(_MAP, _type)] * 2, [(_MAP, _type)], (_table, {}))
simple('DIV', [(_MAP, FLOAT32)] * 2, [(_MAP, FLOAT32)], ('DivOptions', {}))
for _type in (INT8, FLOAT32):
  simple('ADD_N', [(_MAP, _type)] * 3, [(_MAP, _type)], ('AddNOptions', {}))
for _name in ('FLOOR_DIV', 'FLOOR_MOD'):
  simple(_name, [(_MAP, FLOAT32)] * 2, [(_MAP, FLOAT32)])
for _name in ('SQUARED_DIFFERENCE', 'MAXIMUM', 'MINIMUM'):
  for _type in (INT8, FLOAT32):
    simple(_name, [(_MAP, _type)] * 2, [(_MAP, _type)])
for _name in ('EQUAL', 'NOT_EQUAL', 'GREATER', 'GREATER_EQUAL', 'LESS', 'LESS_EQUAL'):
  simple(_name, [(_MAP, INT8)] * 2, [(_MAP, BOOL)])
for _name in ('LOGICAL_AND', 'LOGICAL_OR'):
  simple(_name, [(_MAP, BOOL)] * 2, [(_MAP, BOOL)])
simple('SELECT_V2', [(_MAP, BOOL), (_MAP, INT8), (_MAP, INT8)], [(_MAP, INT8)])

# ---- functions of one tensor ----

for _name in ('RELU', 'RELU6', 'HARD_SWISH', 'ELU'):
  for _type in (INT8, FLOAT32):
    simple(_name, [(_MAP, _type)], [(_MAP, _type)])
for _type in (INT8, FLOAT32):
  simple('LEAKY_RELU', [(_MAP, _type)], [(_MAP, _type)], ('LeakyReluOptions', {'alpha': 0.25}))
  simple('PRELU', [(_MAP, _type), ((1, 1, 3), _type)], [(_MAP, _type)])
simple('LOGISTIC', [(_MAP, INT8)], [(_MAP, INT8)], scales=(1 / 256,), zero_point=-128)
simple('LOGISTIC', [(_MAP, FLOAT32)], [(_MAP, FLOAT32)])
simple('TANH', [(_MAP, INT8)], [(_MAP, INT8)], scales=(1 / 128,))
simple('TANH', [(_MAP, FLOAT32)], [(_MAP, FLOAT32)])
_SOFTMAX = ('SoftmaxOptions', {'beta': 1.0})
_BYTES, _SHORTS, _FLOATS = [((1, 13), INT8)], [((1, 13), INT16)], [((1, 13), FLOAT32)]
simple('SOFTMAX', _BYTES, _BYTES, _SOFTMAX, scales=(1 / 256,), zero_point=-128)
simple('SOFTMAX', _SHORTS, _SHORTS, _SOFTMAX, scales=(1 / 32768,))
simple('SOFTMAX', _FLOATS, _FLOATS, _SOFTMAX)
simple('LOG_SOFTMAX', _BYTES, _BYTES, scales=(16 / 256,), zero_point=127)
simple('LOG_SOFTMAX', _FLOATS, _FLOATS)
_NORMALIZE = ('L2NormOptions', {})
simple('L2_NORMALIZATION', _BYTES, _BYTES, _NORMALIZE, scales=(1 / 128,))
simple('L2_NORMALIZATION', _FLOATS, _FLOATS, _NORMALIZE)
for _name in ('ABS', 'RSQRT'):
  for _type in (INT8, FLOAT32):
    simple(_name, [(_MAP, _type)], [(_MAP, _type)])
for _name in (
  'CEIL',
  'COS',
  'EXP',
  'FLOOR',
  'LOG',
  'NEG',
  'ROUND',
  'SIN',
  'SQRT',
  'SQUARE',
  'ZEROS_LIKE',
):
  simple(_name, [(_MAP, FLOAT32)], [(_MAP, FLOAT32)])
simple('LOGICAL_NOT', [(_MAP, BOOL)], [(_MAP, BOOL)])
simple('CAST', [(_MAP, INT8)], [(_MAP, FLOAT32)], ('CastOptions', {}))
simple('QUANTIZE', [(_MAP, FLOAT32)], [(_MAP, INT8)])
simple('QUANTIZE', [(_MAP, INT8)], [(_MAP, INT16)])
simple('DEQUANTIZE', [(_MAP, INT8)], [(_MAP, FLOAT32)])

# ---- moving data ----

_SQUARE = (1, 4, 4, 8)
_SPACE, _BATCHES = [((1, 4, 6, 3), INT8)], [((4, 2, 3, 3), INT8)]
_BLOCK = [[2, 2], [[0, 0], [0, 0]]]
_BORDER = [[[0, 0], [1, 1], [1, 1], [0, 0]]]
simple('BATCH_TO_SPACE_ND', _BATCHES, _SPACE, None, _BLOCK)
simple('SPACE_TO_BATCH_ND', _SPACE, _BATCHES, None, _BLOCK)
simple('BROADCAST_ARGS', [((1,), INT32), ((3,), INT32)], [((3,), INT32)])
simple('BROADCAST_TO', [((1, 3), INT8)], [((5, 3), INT8)], None, [[5, 3]])
for _count in (2, 5):
  simple(
    'CONCATENATION',
    [(_MAP, INT8)] * _count,
    [((1, 5, 7, 3 * _count), INT8)],
    ('ConcatenationOptions', {'axis': 3}),
  )
simple(
  'DEPTH_TO_SPACE',
  [(_SQUARE, INT8)],
  [((1, 8, 8, 2), INT8)],
  ('DepthToSpaceOptions', {'blockSize': 2}),
)
simple(
  'SPACE_TO_DEPTH',
  [(_SQUARE, INT8)],
  [((1, 2, 2, 32), INT8)],
  ('SpaceToDepthOptions', {'blockSize': 2}),
)
simple('DYNAMIC_UPDATE_SLICE', [((5, 7), INT8), ((2, 3), INT8)], [((5, 7), INT8)], None, [[1, 1]])
simple('EXPAND_DIMS', [((5, 7), INT8)], [((1, 5, 7), INT8)], ('ExpandDimsOptions', {}), [0])
simple('GATHER', [((5, 7), INT8)], [((3, 7), INT8)], ('GatherOptions', {'axis': 0}), [[0, 2, 4]])
simple('GATHER_ND', [((5, 7), INT8)], [((2, 7), INT8)], None, [[[0], [2]]])
simple('MIRROR_PAD', [(_MAP, INT8)], [((1, 7, 9, 3), INT8)], ('MirrorPadOptions', {}), _BORDER)
simple('PACK', [((5, 7), INT8)] * 2, [((2, 5, 7), INT8)], ('PackOptions', {'valuesCount': 2}))
simple('UNPACK', [((2, 5, 7), INT8)], [((5, 7), INT8)] * 2, ('UnpackOptions', {'num': 2}))
simple('PAD', [(_MAP, INT8)], [((1, 7, 9, 3), INT8)], ('PadOptions', {}), _BORDER)
simple('RESHAPE', [(_MAP, INT8)], [((1, 105), INT8)], ('ReshapeOptions', {'newShape': [1, 105]}))
_SIZE = [[10, 14]]
for _name, _table in (
  ('RESIZE_BILINEAR', 'ResizeBilinearOptions'),
  ('RESIZE_NEAREST_NEIGHBOR', 'ResizeNearestNeighborOptions'),
):
  simple(_name, [(_MAP, INT8)], [((1, 10, 14, 3), INT8)], (_table, {}), _SIZE)
simple('REVERSE_V2', [((5, 7), INT8)], [((5, 7), INT8)], None, [[1]])
simple('SHAPE', [(_MAP, INT8)], [((4,), INT32)], ('ShapeOptions', {'outType': INT32}))
simple('SLICE', [((5, 7), INT8)], [((2, 3), INT8)], None, [[1, 1], [2, 3]])
simple(
  'SPLIT_V',
  [((5, 7), INT8)],
  [((5, 3), INT8), ((5, 4), INT8)],
  ('SplitVOptions', {'numSplits': 2}),
  [[3, 4], 1],
)
simple(
  'SQUEEZE', [((1, 5, 1, 7), INT8)], [((5, 7), INT8)], ('SqueezeOptions', {'squeezeDims': [0, 2]})
)
simple(
  'STRIDED_SLICE',
  [((5, 7), INT8)],
  [((2, 3), INT8)],
  ('StridedSliceOptions', {}),
  [[1, 1], [3, 4], [1, 1]],
)
simple(
  'TRANSPOSE', [(_MAP, INT8)], [((1, 3, 5, 7), INT8)], ('TransposeOptions', {}), [[0, 3, 1, 2]]
)


@case('PADV2')
def padv2() -> bytes:
  model = SmallModel()
  read, write = model.tensor(_MAP), model.tensor((1, 7, 9, 3))
  reads = [read, model.constant(_BORDER[0]), model.constant(3, 'int8')]
  model.op('PADV2', reads, [write])
  model.interface([read], [write])
  return model.build()


@case('FILL')
def fill() -> bytes:
  model = SmallModel()
  value, write = model.tensor(()), model.tensor((5, 7))
  model.op('FILL', [model.constant([5, 7]), value], [write])
  model.interface([value], [write])
  return model.build()


@case('SPLIT')
def split() -> bytes:
  model = SmallModel()
  read = model.tensor((1, 6))
  writes = [model.tensor((1, 2)) for _ in range(3)]
  model.op('SPLIT', [model.constant(1), read], writes, ('SplitOptions', {'numSplits': 3}))
  model.interface([read], writes)
  return model.build()


@case('EMBEDDING_LOOKUP')
def embedding_lookup() -> bytes:
  model = SmallModel()
  read, write = model.tensor((3,), INT32), model.tensor((3, 5), FLOAT32)
  table = model.constant(np.zeros((7, 5)), 'float32')
  model.op('EMBEDDING_LOOKUP', [read, table], [write])
  model.interface([read], [write])
  return model.build()


# ---- recurrent layers, control flow, resources, custom operators ----


def _svdf(dtype: int) -> Case:
  def build() -> bytes:
    quantized = dtype == INT8
    model = SmallModel()
    read, write = model.tensor((1, 5), dtype), model.tensor((1, 4), dtype)
    kind = 'int8' if quantized else 'float32'
    feature = model.constant(np.zeros((8, 5)), kind, scales=(1.0,))
    time = model.constant(np.zeros((8, 3)), 'int16' if quantized else kind, scales=(1.0,))
    bias = model.constant(np.zeros(4), 'int32' if quantized else kind, scales=(1.0,))
    state = model.tensor((1, 24), INT16 if quantized else FLOAT32, scales=(1.0,), variable=True)
    model.op('SVDF', [read, feature, time, bias, state], [write], ('SVDFOptions', {'rank': 2}))
    model.interface([read], [write])
    return model.build()

  return build


_add('SVDF', _svdf(INT8))
_add('SVDF', _svdf(FLOAT32))


@case('UNIDIRECTIONAL_SEQUENCE_LSTM')
def lstm() -> bytes:
  model = SmallModel()
  read, write = model.tensor((1, 5, 3), FLOAT32), model.tensor((1, 5, 7), FLOAT32)
  absent = [-1]
  inputs = [read]
  inputs += [model.constant(np.zeros((7, 3)), 'float32') for _ in range(4)]
  inputs += [model.constant(np.zeros((7, 7)), 'float32') for _ in range(4)]
  inputs += absent * 3
  inputs += [model.constant(np.zeros(7), 'float32') for _ in range(4)]
  inputs += absent * 2
  inputs += [model.tensor((1, 7), FLOAT32, variable=True) for _ in range(2)]
  inputs += absent * 4
  # Activation 4 is tanh.
  options = ('UnidirectionalSequenceLSTMOptions', {'fusedActivationFunction': 4})
  model.op('UNIDIRECTIONAL_SEQUENCE_LSTM', inputs, [write], options)
  model.interface([read], [write])
  return model.build()


def _body(model: SmallModel, opcode: str, inputs: int = 1) -> int:
  """A subgraph of two operators."""
  index = model.add_subgraph()
  reads = [model.tensor(_MAP, FLOAT32) for _ in range(inputs)]
  middle, write = model.tensor(_MAP, FLOAT32), model.tensor(_MAP, FLOAT32)
  model.op(opcode, [reads[0]], [middle])
  model.op(opcode, [middle], [write])
  model.interface(reads, [write])
  return index


@case('IF')
def branch() -> bytes:
  model = SmallModel()
  condition, read = model.tensor((1,), BOOL), model.tensor(_MAP, FLOAT32)
  early, write, late = (model.tensor(_MAP, FLOAT32) for _ in range(3))
  model.op('NEG', [read], [early])
  options = ('IfOptions', {'thenSubgraphIndex': 1, 'elseSubgraphIndex': 2})
  model.op('IF', [condition, early], [write], options)
  model.op('ADD', [write, early], [late], ('AddOptions', {}))
  model.interface([condition, read], [late])
  _body(model, 'NEG')
  _body(model, 'SQUARE')
  return model.build()


@case('WHILE')
def loop() -> bytes:
  model = SmallModel()
  read, write, late = (model.tensor((7,), FLOAT32) for _ in range(3))
  options = ('WhileOptions', {'condSubgraphIndex': 1, 'bodySubgraphIndex': 2})
  model.op('WHILE', [read], [write], options)
  model.op('ADD', [write, read], [late], ('AddOptions', {}))
  model.interface([read], [late])
  model.add_subgraph()
  state, whether = model.tensor((7,), FLOAT32), model.tensor((1,), BOOL)
  total = model.tensor((1,), FLOAT32)
  model.op('SUM', [state, model.constant([0])], [total], ('ReducerOptions', {'keepDims': True}))
  model.op('LESS', [total, model.constant([3.0], 'float32')], [whether])
  model.interface([state], [whether])
  model.add_subgraph()
  state, after = model.tensor((7,), FLOAT32), model.tensor((7,), FLOAT32)
  model.op('SQUARE', [state], [after])
  model.interface([state], [after])
  return model.build()


def _variable(model: SmallModel, name: str = 'counter') -> int:
  handle = model.tensor((1,), RESOURCE)
  options = ('VarHandleOptions', {'container': '', 'sharedName': name})
  model.op('VAR_HANDLE', [], [handle], options)
  return handle


@case('VAR_HANDLE')
@case('READ_VARIABLE')
@case('ASSIGN_VARIABLE')
def variable() -> bytes:
  model = SmallModel()
  read, before, after = (model.tensor((1, 13), FLOAT32) for _ in range(3))
  handle = _variable(model)
  model.op('READ_VARIABLE', [handle], [before])
  model.op('ADD', [before, read], [after], ('AddOptions', {}))
  model.op('ASSIGN_VARIABLE', [handle, after], [])
  model.interface([read], [after])
  return model.build()


@case('VAR_HANDLE')
def two_handles_of_one_variable() -> bytes:
  model = SmallModel()
  read, after = (model.tensor((1, 13), FLOAT32) for _ in range(2))
  model.op('ASSIGN_VARIABLE', [_variable(model), read], [])
  model.op('ASSIGN_VARIABLE', [_variable(model), read], [])
  model.op('ASSIGN_VARIABLE', [_variable(model, 'other'), read], [])
  model.op('NEG', [read], [after])
  model.interface([read], [after])
  return model.build()


@case('CALL_ONCE')
def call_once() -> bytes:
  model = SmallModel()
  read, before, after = (model.tensor((1, 13), FLOAT32) for _ in range(3))
  model.op('CALL_ONCE', [], [], ('CallOnceOptions', {'initSubgraphIndex': 1}))
  handle = _variable(model)
  model.op('READ_VARIABLE', [handle], [before])
  model.op('ADD', [before, read], [after], ('AddOptions', {}))
  model.op('ASSIGN_VARIABLE', [handle, after], [])
  model.interface([read], [after])
  model.add_subgraph()
  model.op('ASSIGN_VARIABLE', [_variable(model), model.constant(np.ones((1, 13)), 'float32')], [])
  return model.build()


@case('CIRCULAR_BUFFER')
def circular_buffer() -> bytes:
  model = SmallModel()
  read, write = model.tensor((1, 1, 1, 13)), model.tensor((1, 5, 1, 13), variable=True)
  # A FlexBuffer map {"cycles_max": 1}.
  options = b'cycles_max\x00\x01\x0b\x01\x01\x01\x01\x04\x02\x24\x01'
  model.op('CUSTOM', [read], [write], None, 'CIRCULAR_BUFFER', options)
  model.interface([read], [write])
  return model.build()


@case('TRANSPOSE')
def unused_int64() -> bytes:
  """Tensors that nothing uses are planned, too, but constants are not."""
  model = SmallModel()
  read, write = model.tensor(_MAP), model.tensor((1, 3, 5, 7))
  model.tensor((1, 91), INT64)
  model.constant(np.zeros(900), 'int64')
  model.op('TRANSPOSE', [read, model.constant([0, 3, 1, 2])], [write], ('TransposeOptions', {}))
  model.interface([read], [write])
  return model.build()
