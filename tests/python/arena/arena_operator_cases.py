# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""One or more small models for every operator that the arena prediction knows.

Sizes are odd on purpose: they do not divide by any alignment.
"""

from __future__ import annotations

import functools

import arena_stateful_cases  # noqa: F401 (registers its cases)
import numpy as np
from arena_case_registry import CASES, MAP, Case, add, case, simple, weights_case
from arena_models import BOOL, FLOAT32, INT4, INT8, INT16, INT32, INT64, SmallModel
from flatbuffers import flexbuffers

from tflm_patch.arena.detection import NAME as DETECTION

__all__ = ['CASES']

# ---- convolutions and matrix products ----

_CONV = ('Conv2DOptions', {'strideW': 1, 'strideH': 1, 'padding': 0})
_DEPTHWISE = ('DepthwiseConv2DOptions', {'strideW': 1, 'strideH': 1, 'depthMultiplier': 2})
_DENSE = ('FullyConnectedOptions', {})
for _channels in (1, 5, 16):
  weights_case(
    'CONV_2D',
    (_channels, 3, 3, 3),
    MAP,
    (1, 5, 7, _channels),
    _CONV,
    channels=_channels,
    bias=_channels,
  )
weights_case('CONV_2D', (5, 3, 3, 3), MAP, (1, 5, 7, 5), _CONV, channels=1)
weights_case('CONV_2D', (5, 3, 3, 3), MAP, (1, 5, 7, 5), _CONV, FLOAT32, FLOAT32)
weights_case('CONV_2D', (5, 3, 3, 3), MAP, (1, 5, 7, 5), _CONV, INT16, channels=5, bias=5)
weights_case('CONV_2D', (5, 3, 3, 3), MAP, (1, 5, 7, 5), _CONV, INT8, INT4, channels=5)
weights_case(
  'DEPTHWISE_CONV_2D', (1, 3, 3, 6), MAP, (1, 5, 7, 6), _DEPTHWISE, channels=6, axis=3, bias=6
)
weights_case('DEPTHWISE_CONV_2D', (1, 3, 3, 6), MAP, (1, 5, 7, 6), _DEPTHWISE, FLOAT32, FLOAT32)
weights_case(
  'DEPTHWISE_CONV_2D', (1, 3, 3, 6), MAP, (1, 5, 7, 6), _DEPTHWISE, INT8, INT4, channels=6, axis=3
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
    read, write = model.tensor(MAP, dtype), model.tensor((1, 5, 7, 6), dtype)
    reads = [shape, kernel, read]
    if bias is not None:
      reads.append(model.constant(np.zeros(6), bias, scales=()))
    model.op(
      'TRANSPOSE_CONV', reads, [write], ('TransposeConvOptions', {'strideW': 1, 'strideH': 1})
    )
    model.interface([read], [write])
    return model.build()

  return build


add('TRANSPOSE_CONV', _transpose_conv(INT8, INT8, 'int32'))
add('TRANSPOSE_CONV', _transpose_conv(INT16, INT8, 'int64'))
add('TRANSPOSE_CONV', _transpose_conv(INT16, INT8, 'int16'))
add('TRANSPOSE_CONV', _transpose_conv(FLOAT32, FLOAT32, None))

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
  simple(_name, [(MAP, INT8)], [((1, 3, 4, 3), INT8)], _POOL)
simple('AVERAGE_POOL_2D', [(MAP, FLOAT32)], [((1, 3, 4, 3), FLOAT32)], _POOL)
simple('L2_POOL_2D', [(MAP, FLOAT32)], [((1, 3, 4, 3), FLOAT32)], _POOL)

for _name in ('MEAN', 'SUM', 'REDUCE_MAX', 'REDUCE_MIN'):
  for _type in (INT8, FLOAT32):
    simple(_name, [(MAP, _type)], [((1, 3), _type)], ('ReducerOptions', {}), [[1, 2]])
    simple(
      _name, [(MAP, _type)], [((1, 5, 1, 3), _type)], ('ReducerOptions', {'keepDims': True}), [2]
    )
simple('MEAN', [(MAP, INT16)], [((1, 3), INT16)], ('ReducerOptions', {}), [[1, 2]])
simple('REDUCE_ALL', [(MAP, BOOL)], [((1, 3), BOOL)], ('ReducerOptions', {}), [[1, 2]])
for _type in (INT8, FLOAT32):
  simple('CUMSUM', [(MAP, _type)], [(MAP, _type)], ('CumsumOptions', {}), [1])
simple('ARG_MAX', [((1, 13), INT8)], [((1,), INT32)], ('ArgMaxOptions', {'outputType': INT32}), [1])
simple('ARG_MIN', [((1, 13), INT8)], [((1,), INT32)], ('ArgMinOptions', {'outputType': INT32}), [1])

# ---- arithmetic of two or more tensors ----

for _name, _table in (('ADD', 'AddOptions'), ('SUB', 'SubOptions'), ('MUL', 'MulOptions')):
  for _type in (INT8, INT16, FLOAT32):
    simple(_name, [(MAP, _type)] * 2, [(MAP, _type)], (_table, {}))
simple('DIV', [(MAP, FLOAT32)] * 2, [(MAP, FLOAT32)], ('DivOptions', {}))
for _type in (INT8, FLOAT32):
  simple('ADD_N', [(MAP, _type)] * 3, [(MAP, _type)], ('AddNOptions', {}))
for _name in ('FLOOR_DIV', 'FLOOR_MOD'):
  simple(_name, [(MAP, FLOAT32)] * 2, [(MAP, FLOAT32)])
for _name in ('SQUARED_DIFFERENCE', 'MAXIMUM', 'MINIMUM'):
  for _type in (INT8, FLOAT32):
    simple(_name, [(MAP, _type)] * 2, [(MAP, _type)])
for _name in ('EQUAL', 'NOT_EQUAL', 'GREATER', 'GREATER_EQUAL', 'LESS', 'LESS_EQUAL'):
  simple(_name, [(MAP, INT8)] * 2, [(MAP, BOOL)])
for _name in ('LOGICAL_AND', 'LOGICAL_OR'):
  simple(_name, [(MAP, BOOL)] * 2, [(MAP, BOOL)])
simple('SELECT_V2', [(MAP, BOOL), (MAP, INT8), (MAP, INT8)], [(MAP, INT8)])

# ---- functions of one tensor ----

for _name in ('RELU', 'RELU6', 'HARD_SWISH', 'ELU'):
  for _type in (INT8, FLOAT32):
    simple(_name, [(MAP, _type)], [(MAP, _type)])
for _type in (INT8, FLOAT32):
  simple('LEAKY_RELU', [(MAP, _type)], [(MAP, _type)], ('LeakyReluOptions', {'alpha': 0.25}))
  simple('PRELU', [(MAP, _type), ((1, 1, 3), _type)], [(MAP, _type)])
simple('LOGISTIC', [(MAP, INT8)], [(MAP, INT8)], scales=(1 / 256,), zero_point=-128)
simple('LOGISTIC', [(MAP, FLOAT32)], [(MAP, FLOAT32)])
simple('TANH', [(MAP, INT8)], [(MAP, INT8)], scales=(1 / 128,))
simple('TANH', [(MAP, FLOAT32)], [(MAP, FLOAT32)])
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
    simple(_name, [(MAP, _type)], [(MAP, _type)])
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
  simple(_name, [(MAP, FLOAT32)], [(MAP, FLOAT32)])
simple('LOGICAL_NOT', [(MAP, BOOL)], [(MAP, BOOL)])
simple('CAST', [(MAP, INT8)], [(MAP, FLOAT32)], ('CastOptions', {}))
simple('QUANTIZE', [(MAP, FLOAT32)], [(MAP, INT8)])
simple('QUANTIZE', [(MAP, INT8)], [(MAP, INT16)])
simple('DEQUANTIZE', [(MAP, INT8)], [(MAP, FLOAT32)])

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
    [(MAP, INT8)] * _count,
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
simple('MIRROR_PAD', [(MAP, INT8)], [((1, 7, 9, 3), INT8)], ('MirrorPadOptions', {}), _BORDER)
simple('PACK', [((5, 7), INT8)] * 2, [((2, 5, 7), INT8)], ('PackOptions', {'valuesCount': 2}))
simple('UNPACK', [((2, 5, 7), INT8)], [((5, 7), INT8)] * 2, ('UnpackOptions', {'num': 2}))
simple('PAD', [(MAP, INT8)], [((1, 7, 9, 3), INT8)], ('PadOptions', {}), _BORDER)
simple('RESHAPE', [(MAP, INT8)], [((1, 105), INT8)], ('ReshapeOptions', {'newShape': [1, 105]}))
_SIZE = [[10, 14]]
for _name, _table in (
  ('RESIZE_BILINEAR', 'ResizeBilinearOptions'),
  ('RESIZE_NEAREST_NEIGHBOR', 'ResizeNearestNeighborOptions'),
):
  simple(_name, [(MAP, INT8)], [((1, 10, 14, 3), INT8)], (_table, {}), _SIZE)
simple('REVERSE_V2', [((5, 7), INT8)], [((5, 7), INT8)], None, [[1]])
simple('SHAPE', [(MAP, INT8)], [((4,), INT32)], ('ShapeOptions', {'outType': INT32}))
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
simple('TRANSPOSE', [(MAP, INT8)], [((1, 3, 5, 7), INT8)], ('TransposeOptions', {}), [[0, 3, 1, 2]])


@case('PADV2')
def padv2() -> bytes:
  model = SmallModel()
  read, write = model.tensor(MAP), model.tensor((1, 7, 9, 3))
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


@case('TRANSPOSE')
def unused_int64() -> bytes:
  """Tensors that nothing uses are planned, too, but constants are not."""
  model = SmallModel()
  read, write = model.tensor(MAP), model.tensor((1, 3, 5, 7))
  model.tensor((1, 91), INT64)
  model.constant(np.zeros(900), 'int64')
  model.op('TRANSPOSE', [read, model.constant([0, 3, 1, 2])], [write], ('TransposeOptions', {}))
  model.interface([read], [write])
  return model.build()


def detection(boxes: int, classes: int, options: dict[str, object]) -> bytes:
  """TFLite_Detection_PostProcess as TensorFlow's converter writes it."""
  model = SmallModel()
  reads = [model.tensor((1, boxes, 4), FLOAT32), model.tensor((1, boxes, classes + 1), FLOAT32)]
  anchors = model.constant(np.ones((boxes, 4)), 'float32')
  found = int(options['max_detections'])
  shapes = (1, found, 4), (1, found), (1, found), (1,)
  writes = [model.tensor(shape, FLOAT32) for shape in shapes]
  scales = {f'{axis}_scale': 10.0 for axis in 'yxhw'}
  packed = flexbuffers.Dumps(
    {'nms_iou_threshold': 0.6, 'num_classes': classes, **scales, **options}
  )
  model.op('CUSTOM', [*reads, anchors], writes, custom=DETECTION, custom_options=bytes(packed))
  model.interface(reads, writes)
  return model.build()


for sizes in ((17, 3, 5), (200, 90, 10), (6, 20, 10), (50, 1, 1)):
  add(
    DETECTION,
    functools.partial(
      detection,
      *sizes[:2],
      {
        'max_detections': sizes[2],
        'max_classes_per_detection': 1,
        'nms_score_threshold': 0.3,
        'use_regular_nms': sizes[2] == 5,
      },
    ),
  )
