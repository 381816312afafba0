# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Small networks that show what each operator costs in shapes that models differ in.

Real models hold many pointwise convolutions and few of anything else. A probe is a
chain of layers; most lines of the tables below are a layer of ModelBuilder, as in the tests.
"""

from __future__ import annotations

import pathlib
import sys
from typing import Any

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests'))

from support import model_builder  # noqa: E402

from tflm_patch.api import ConvertOptions  # noqa: E402
from tflm_patch.graph.types import DType  # noqa: E402
from tflm_patch.planner.options import PlanOptions, Schedule  # noqa: E402


class ModelBuilder(model_builder.ModelBuilder):
  """With weights as TensorFlow quantizes them: kernels for vectors are slow for one of -128."""

  LOWEST_WEIGHT = -127


Layer = tuple[Any, ...]  # a method of ModelBuilder, then its arguments behind the tensor

# First layers: image, then what reads it.
FIRST: dict[str, tuple[tuple[int, int, int], Layer]] = {
  'conv_3x3_s2': ((50, 46, 3), ('conv', 8, 3, 2)),
  'conv_3x3_s2_wide': ((40, 40, 3), ('conv', 32, 3, 2)),
  'conv_3x3': ((24, 30, 3), ('conv', 16, 3, 1)),
  'conv_3x3_grey': ((32, 32, 1), ('conv', 16, 3, 1)),
  'conv_3x3_s2_grey': ((48, 48, 1), ('conv', 12, 3, 2)),
  'conv_5x5_s2': ((41, 37, 3), ('conv', 20, 5, 2)),
  'conv_5x5_grey': ((28, 28, 1), ('conv', 6, 5, 1, 1, 'VALID')),
  'conv_7x7_s2': ((40, 44, 3), ('conv', 16, 7, 2)),
  'conv_10x4_s2': ((49, 10, 1), ('conv', 64, (10, 4), 2)),
  'conv_8x10_s2': ((60, 40, 1), ('conv', 24, (8, 10), 2)),
  'conv_4x4_s4': ((48, 48, 3), ('conv', 40, 4, 4)),
  'conv_1x1': ((20, 20, 3), ('conv', 24, 1)),
  'depthwise_3x3_s2': ((48, 44, 1), ('depthwise', 8, 3, 2)),
  'depthwise_3x3_s2_wide': ((40, 36, 1), ('depthwise', 16, 3, 2)),
  'depthwise_3x3': ((30, 34, 1), ('depthwise', 8, 3, 1)),
  'depthwise_10x8_s2': ((49, 40, 1), ('depthwise', 8, (10, 8), 2)),
}

# Layers for maps of many channels: map, then a chain.
INNER: dict[str, tuple[tuple[int, int, int], tuple[Layer, ...]]] = {
  'conv_3x3': (
    (16, 16, 16),
    (
      ('conv', 16, 3),
      ('conv', 32, 3, 2),
      ('conv', 32, 3),
      ('conv', 64, 3, 2),
      ('conv', 64, 3),
      ('conv', 24, 3),
      ('conv', 10, 3),
    ),
  ),
  'conv_wide_maps': (
    (40, 48, 8),
    (('conv', 8, 3), ('conv', 16, 3, 2), ('conv', 12, 3), ('conv', 20, 3, 2)),
  ),
  'conv_other_windows': (
    (18, 20, 12),
    (
      ('conv', 16, 5),
      ('conv', 24, (1, 5)),
      ('conv', 24, (5, 1)),
      ('conv', 16, (3, 1)),
      ('conv', 32, 2, 2),
      ('conv', 16, 3, 1, 2),
      ('conv', 32, 5, 2),
      ('conv', 8, 7),
    ),
  ),
  'conv_1x1': (
    (20, 22, 8),
    (
      ('conv', 16, 1),
      ('conv', 10, 1),
      ('conv', 27, 1),
      ('conv', 64, 1, 2),
      ('conv', 24, 1),
      ('conv', 144, 1),
      ('conv', 40, 1),
      ('conv', 240, 1, 2),
      ('conv', 7, 1),
      ('conv', 96, 1),
    ),
  ),
  'depthwise_3x3': (
    (32, 36, 8),
    (
      ('depthwise', 1, 3),
      ('conv', 18, 1),
      ('depthwise', 1, 3),
      ('depthwise', 1, 3, 2),
      ('conv', 48, 1),
      ('depthwise', 1, 3),
      ('conv', 33, 1),
      ('depthwise', 1, 3, 2),
      ('conv', 200, 1),
      ('depthwise', 1, 3),
      ('depthwise', 1, 3, 2),
      ('depthwise', 1, 3),
    ),
  ),
  'depthwise_3x3_narrow': (
    (40, 48, 8),
    (
      ('depthwise', 1, 3),
      ('depthwise', 1, 3),
      ('conv', 14, 1),
      ('depthwise', 1, 3, 2),
      ('depthwise', 1, 3),
    ),
  ),
  'depthwise_5x5': (
    (24, 28, 16),
    (
      ('depthwise', 1, 5),
      ('depthwise', 1, 5, 2),
      ('conv', 40, 1),
      ('depthwise', 1, 5),
      ('conv', 96, 1),
      ('depthwise', 1, 5, 2),
      ('depthwise', 1, 5),
      ('conv', 30, 1),
      ('depthwise', 1, 5),
    ),
  ),
  'depthwise_7x7': (
    (22, 26, 12),
    (
      ('depthwise', 1, 7),
      ('conv', 32, 1),
      ('depthwise', 1, 7, 2),
      ('conv', 90, 1),
      ('depthwise', 1, 7),
      ('depthwise', 1, 7, 2),
      ('conv', 36, 1),
      ('depthwise', 1, 7),
    ),
  ),
  'depthwise_other': (
    (20, 18, 8),
    (
      ('depthwise', 2, 3),
      ('depthwise', 1, (3, 1)),
      ('depthwise', 1, (1, 3)),
      ('depthwise', 1, 3, 1, 2),
      ('depthwise', 3, 5, 2),
      ('depthwise', 1, 2, 2),
      ('depthwise', 1, (9, 1)),
    ),
  ),
  'pools': (
    (32, 32, 16),
    (
      ('max_pool', 2, 2),
      ('average_pool', 3, 1, 'SAME'),
      ('max_pool', 3, 1, 'SAME'),
      ('conv', 36, 1),
      ('average_pool', 2, 2),
      ('max_pool', 3, 2),
      ('average_pool', 3, 3),
    ),
  ),
  'elementwise': (
    (16, 20, 12),
    (
      ('logistic',),
      ('hard_swish',),
      ('tanh',),
      ('pad_spatial', 1, 1, 2, 2),
      ('leaky_relu',),
      ('resize_nearest', 24, 24),
      ('resize_bilinear', 12, 20),
      ('space_to_depth', 2),
      ('relu6',),
      ('depth_to_space', 2),
      ('transpose_conv', 8, 3, 2),
    ),
  ),
  'dense': ((4, 4, 20), (('fully_connected', 128), ('fully_connected', 37), ('softmax',))),
  'dense_wide': (
    (1, 1, 640),
    (
      ('fully_connected', 128),
      ('fully_connected', 8),
      ('fully_connected', 200),
      ('fully_connected', 64),
      ('softmax',),
    ),
  ),
  'dense_rows': ((10, 8, 12), (('fully_connected', 24), ('fully_connected', 2))),
  'mean': ((12, 10, 48), (('mean',), ('fully_connected', 10), ('softmax',))),
  'mean_narrow': ((24, 30, 9), (('mean',), ('fully_connected', 3))),
}


def probes() -> dict[str, bytes]:
  """The networks, by name."""
  found = {}
  for name, (shape, layer) in FIRST.items():
    found[f'first_{name}'] = _chain(shape, (layer,))
  for name, (shape, layers) in INNER.items():
    found[f'inner_{name}'] = _chain(shape, layers)
  for channels in (16, 44):
    found[f'bounded_{channels}'] = _bounded((14, 22, channels))
  for channels, cols in ((8, 24), (24, 12), (57, 6)):
    found[f'pairs_{channels}'] = _pairs((cols + 3, cols, channels))
  return found | int16_probes()


def int16_probes() -> dict[str, bytes]:
  """Those of kinds for int16 maps alone, by name."""
  return {f'int16_{n}': _int16((cols + 3, cols, n)) for n, cols in ((3, 30), (8, 24), (57, 6))}


def head_probes() -> dict[str, tuple[bytes, ConvertOptions]]:
  """Those of kinds of heads and of copies, by name, and how they are converted."""
  found = {}
  for cols, channels in ((18, 4), (9, 15), (6, 40)):
    for schedule in ('layer', 'stream'):
      options = ConvertOptions(force_stage=True, plan=PlanOptions(schedule=Schedule(schedule)))
      shape = (cols + 3, cols, channels)
      for half in range(2):
        found[f'moves_{channels}_{schedule}_{half}'] = _moves(shape, half), options
      found[f'reductions_{channels}_{schedule}'] = _reductions(shape), options
      found[f'products_{channels}_{schedule}'] = _products(shape), options
    bands = ConvertOptions(force_stage=True, input_rows=1)
    found[f'bands_{channels}'] = _chain((cols, cols, channels), (('conv', 8, 3),)), bands
    patches = ConvertOptions(
      force_stage=True, plan=PlanOptions(schedule=Schedule.PATCH, grid=(2, 2), max_overhead=9.0)
    )
    layers = (('conv', 8, 3), ('conv', 8, 3, 2), ('mean',))
    found[f'patches_{channels}'] = _chain((4 * cols, 4 * cols, channels), layers), patches
  return found


def recurrent_probes() -> dict[str, bytes]:
  """Those of kinds that keep a state, by name: an operator for each size."""
  found = {}
  for steps, inputs, units in ((9, 28, 20), (1, 257, 128), (16, 10, 32), (4, 67, 7), (30, 4, 12)):
    b = ModelBuilder(8)
    b.output(b.lstm(b.lstm(b.input((1, steps, inputs)), units), units + 5))
    found[f'lstm_{inputs}_{units}'] = b.build()
  svdfs = (96, 64, 8, 1), (16, 64, 8, 2), (32, 32, 32, 1), (75, 9, 3, 4)
  for inputs, units, memory, rank in svdfs:
    b = ModelBuilder(9)
    x = b.svdf(b.input((1, inputs)), units, memory, rank)
    b.output(b.svdf(x, units + 3, memory + 2, rank))
    found[f'svdf_{inputs}_{units}'] = b.build()
  return found


def graph_probes() -> dict[str, bytes]:
  """Those of sums over neighbours, by name: points on a ring, of several numbers of features."""
  found = {}
  sizes = (60, 2, 3), (90, 6, 8), (50, 12, 17), (120, 5, 4), (40, 7, 24), (70, 3, 40), (64, 20, 16)
  for nodes, count, features in sizes:
    b = ModelBuilder(10)
    rng = np.random.default_rng(nodes)
    # As many neighbours as `count` in the mean, near by, numbered by chance.
    numbers, near = rng.permutation(nodes), [[0]] * nodes
    for i in range(nodes):
      wide = range(i - int(rng.integers(0, count)), i + int(rng.integers(1, count + 1)))
      near[numbers[i]] = numbers[np.array([*wide, i]) % nodes].tolist()
    x = b.neighbours(b.input((1, nodes, features)), near, 'matmul')
    x = b.fully_connected(x, features + 3, keep_num_dims=True, flatten=False)
    b.output(b.neighbours(x, near, 'dense_per_node'))
    found[f'graph_{nodes}_{features}'] = b.build()
  return found


def plane_probes() -> dict[str, bytes]:
  """Networks of points in the plane with their nearest ones, by name: nodes get another order."""
  found = {}
  for nodes, count, widths in (
    (120, 5, (2, 12, 3)),
    (200, 4, (1, 16, 2)),
    (90, 6, (3, 24, 5)),
    (150, 5, (8, 40, 8)),
    (60, 7, (5, 30, 11)),
  ):
    b = ModelBuilder(12)
    points = np.random.default_rng(nodes).uniform(size=(nodes, 2))
    distances = np.square(points[:, None] - points[None]).sum(axis=-1)
    near = np.argsort(distances, axis=1, kind='stable')[:, :count].tolist()
    x = b.input((1, nodes, widths[0]))
    for units in widths[1:]:
      x = b.fully_connected(x, units, keep_num_dims=True, flatten=False)
      x = b.neighbours(x, near, 'matmul')
    b.output(x)
    found[f'plane_{nodes}_{widths[1]}'] = b.build()
  return found


def integer_probes() -> dict[str, bytes]:
  """Those of other integers than a network's, by name."""
  found = {}
  for cols, channels in ((1, 4), (1, 90), (7, 12), (24, 3)):
    b = ModelBuilder(11)
    x = b.input((1, 5, cols, channels))
    shares = b.softmax_int16(x)
    b.output(b.requantize(x, DType.INT32), b.requantize(b.requantize(x, DType.INT16), DType.INT8))
    b.output(shares, b.requantize(shares, DType.INT32))
    found[f'integers_{cols}_{channels}'] = b.build()
  return found


def rare_probes() -> dict[str, bytes]:
  """Models of kinds that few models have: LOG_SOFTMAX, CUMSUM."""
  found = {}
  for shape in ((12, 9, 10), (5, 6, 40), (20, 1, 7), (1, 1, 100)):
    b = ModelBuilder(10)
    x = b.input((1, *shape))
    b.output(b.log_softmax(x), *[b.cumsum(x, axis) for axis in (1, 2, 3)])
    found[f'rare_{"x".join(map(str, shape))}'] = b.build()
  return found


def _moves(shape: tuple[int, int, int], half: int) -> bytes:
  """Half of the copies: other orders of the axes, positions, borders, parts, other rows."""
  b = ModelBuilder(5)
  rows, cols, channels = shape
  x = b.transpose(b.input((1, channels, rows, cols)), (0, 2, 3, 1))
  outputs = [b.transpose(x, order) for order in ((0, 2, 1, 3), (0, 1, 3, 2), (0, 3, 1, 2))]
  outputs += [b.gather(x, list(range(size)[::-1]), axis) for axis, size in enumerate(shape, 1)]
  outputs += [b.reverse(x, 2), b.mirror_pad(x, [(0, 0), (1, 1), (2, 1), (0, 0)])]
  outputs += [b.broadcast_to(b.mean(x), (1, *shape)), *b.split_v(x, [1, channels - 1])]
  outputs += [b.strided_slice(x, (0, 1, 0, 0), (1, rows, cols, channels), (1, 2, 1, 2))]
  outputs += [b.slice(x, (0, 0, 1, 1), (1, rows, cols - 2, channels - 2))]
  outputs += [b.reshape(x, (1, rows * cols, channels)), b.reshape(x, (1, cols, rows, channels))]
  outputs += [b.concat([x, b.relu6(x)], 1)]
  b.output(*outputs[half::2])
  return b.build()


def _reductions(shape: tuple[int, int, int]) -> bytes:
  b = ModelBuilder(6)
  x = b.input((1, *shape))
  for axes in ((1,), (2,), (3,), (1, 2)):
    b.output(b.reduce_max(x, axes), b.reduce_min(x, axes))
  y = b.squared_difference(x, b.relu6(x))
  b.output(b.arg_max(x, 'ARG_MAX'), b.l2_normalization(x), b.squared_difference(y, b.mean(x)))
  b.output(b.cast(b.cast(x, DType.INT16), DType.INT8))
  return b.build()


def _products(shape: tuple[int, int, int]) -> bytes:
  """Matrices of several heads, as in attention, and one of a constant."""
  b = ModelBuilder(7)
  x = b.input((1, *shape))
  y = b.batch_matmul(b.softmax(b.batch_matmul(x, x, True)), x)
  line = b.reshape(y, (1, shape[0] * shape[1], shape[2]))
  b.output(b.batch_matmul(line, b.constant_operand((1, shape[2], 24))))
  b.output(b.batch_matmul(line, b.constant_operand((1, 11, shape[2])), True))
  return b.build()


def _chain(shape: tuple[int, int, int], layers: tuple[Layer, ...]) -> bytes:
  b = ModelBuilder(1)
  x = b.input((1, *shape))
  for name, *arguments in layers:
    x = getattr(b, name)(x, *arguments)
  b.output(x)
  return b.build()


def _bounded(shape: tuple[int, int, int]) -> bytes:
  """Outputs that an activation bounds more than int8 does."""
  b = ModelBuilder(3)
  x = b.conv(b.input((1, *shape)), shape[2], 1)
  like = {'activation': 'RELU', 'like': x}
  for _ in range(2):
    x = b.conv(x, 2 * shape[2], 1, **like)
    x = b.depthwise(x, 1, 3, **like)
    x = b.conv(x, shape[2], 3, **like)
    x = b.depthwise(x, 1, 5, **like)
    x = b.depthwise(x, 1, 3, 2, **like)
  b.output(b.fully_connected(x, 10, **like))
  return b.build()


def _pairs(shape: tuple[int, int, int]) -> bytes:
  """Operators of two inputs: residual links, gates, concatenations."""
  b = ModelBuilder(2)
  x = b.input((1, *shape))
  y = b.conv(x, shape[2], 1)
  x = b.add(x, y)
  gate = b.logistic(b.conv(b.mean(x), shape[2], 1))
  x = b.mul(x, gate)
  x = b.sub(x, y)
  x = b.maximum(x, b.minimum(x, y))
  x = b.prelu(b.concat([x, x]), b.constant_operand((1, 1, 2 * shape[2])))
  b.output(b.mul(x, x))
  return b.build()


def _int16(shape: tuple[int, int, int]) -> bytes:
  b = ModelBuilder(4)
  x, y = b.input((1, *shape), DType.INT16), b.input((1, *shape), DType.INT16)
  gate = b.input((1, 1, 1, shape[2]), DType.INT16)
  x = b.sub(b.leaky_relu(b.mul(x, y)), b.tanh(y))
  x = b.mul(b.maximum(x, b.minimum(x, y)), gate)
  b.output(b.mean(x), b.mean(x, (2,)), b.softmax(x), b.logistic(b.transpose_conv(x, 4)))
  b.output(b.abs(b.logistic(x)), b.relu(b.tanh(x)))
  return b.build()
