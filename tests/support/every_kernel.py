# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models that call every row kernel between them, and binary operators of every constant."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from support.model_builder import ModelBuilder
from tflm_patch.graph.types import DType
from tflm_patch.runtime import paths


def declared_kernels() -> set[str]:
  """The functions that kernels.h declares for compiled models."""
  text = (paths.include_dirs()[0] / 'tflm_patch/kernels.h').read_text()
  text = re.sub(r'/\*.*?\*/', '', text, flags=re.DOTALL)
  names = set(re.findall(r'^void (tflm_patch_\w+)\(', text, re.MULTILINE))
  # tflm_patch_pool and its like call those for vectors themselves.
  return {name for name in names if not re.search(r'_pool_(\w+_)?s8$', name)}


def int8_model() -> bytes:
  """Every kernel of 8-bit maps; the first three convolutions can become a block."""
  b = ModelBuilder(21)
  frame = b.quantize(b.input((1, 20, 18, 4), DType.FLOAT32))
  x = b.conv(frame, 12, 1, activation='RELU6')
  x = b.conv(b.depthwise(x, 1, 3), 6, 1)
  y = b.conv(b.pad_spatial(x, 1, 1, 0, 2), 6, 3, 2)  # 11 x 10
  z = b.depthwise(y, 2, 5)
  joined = b.concat([y, b.max_pool(y, 3, 1, 'SAME')])
  left, right = b.split(joined, 2)
  y = b.add(left, b.conv(z, 6, 3, groups=2))
  y = b.mul(y, b.conv(right, 6, (1, 5)))
  y = b.sub(y, b.constant_operand((1, 11, 10, 6)))
  y = b.maximum(y, b.constant_operand((1, 1, 1, 6), like=y))
  y = b.minimum(y, b.constant_operand((1, 11, 1, 1), like=y))
  y = b.prelu(y, b.constant_operand((1, 1, 1, 6)))
  y = b.strided_slice(y, (0, 1, 0, 0), (1, 11, 10, 6), (1, 1, 1, 1))  # 10 x 10
  b.output(b.softmax(b.reshape(y, (1, 5, 20, 6))))
  deep = b.space_to_depth(y, 2)  # 5 x 5 x 24
  b.output(b.depth_to_space(b.conv(deep, 8, 3), 2))
  b.output(b.mean(b.average_pool(deep, 2, 1), (1, 2)), b.mean(deep, (2,)))
  b.output(b.resize_nearest(b.hard_swish(deep), 7, 9))
  small = b.conv(deep, 3, 1)
  b.output(b.resize_bilinear(small, 9, 8), b.transpose_conv(small, 5))
  b.output(b.fully_connected(small, 7), b.fully_connected(b.average_pool(small, (5, 5)), 4))
  b.output(b.dequantize(b.logistic(small)))
  shares = b.softmax_int16(small)
  b.output(shares, b.requantize(shares, DType.INT32), b.requantize(shares, DType.INT8))
  return b.build()


def heads_model() -> bytes:
  """Every kernel of 8-bit maps that heads have: reductions, moved values, indices."""
  b = ModelBuilder(24)
  x = b.conv(b.input((1, 9, 8, 4)), 6, 3)
  apart = b.squared_difference(x, b.conv(x, 6, 1))
  b.output(b.reduce_max(apart), b.reduce_min(apart, (2,)), b.sum(apart, (3,)), b.mean(apart, (3,)))
  b.output(b.arg_max(apart), b.arg_max(apart, 'ARG_MIN'), b.cast(apart, DType.FLOAT32))
  moved = b.transpose(b.l2_normalization(x), (0, 3, 1, 2))
  b.output(b.add_n(x, b.quantize(apart, like=x)), b.batch_matmul(x, b.softmax(x), adj_y=True))
  b.output(b.mirror_pad(moved, [(0, 0), (1, 1), (2, 0), (0, 1)]), b.gather(moved, [5, 0, 3], 1))
  b.output(b.log_softmax(x), b.cumsum(x, 1), b.cumsum(x, 2, True), b.cumsum(x, 3, reverse=True))
  return b.build()


def graph_model() -> bytes:
  """Every kernel of graphs: sums over neighbours, nodes in another order and back."""
  b = ModelBuilder(26)
  near = [[(i - 7) % 61, i, (i + 7) % 61] for i in range(61)]  # a ring
  x = b.input((1, 61, 2))
  for units, form in ((11, 'matmul'), (12, 'dense_per_node'), (2, 'gather_and_sum')):
    x = b.neighbours(b.fully_connected(x, units, keep_num_dims=True, flatten=False), near, form)
  b.output(x)
  return b.build()


def recurrent_model() -> bytes:
  """Every kernel that keeps a state."""
  b = ModelBuilder(25)
  y = b.lstm(b.input((1, 5, 6)), 7)
  y = b.fully_connected(b.reshape(y, (1, 35)), 9)
  b.output(b.svdf(y, 4, 3, 2), b.svdf(y, 3, 5, state_dtype=DType.INT16))
  return b.build()


def int16_model() -> bytes:
  """Every kernel of 16-bit maps."""
  b = ModelBuilder(22)
  x = b.input((1, 9, 10, 4), DType.INT16)
  x = b.conv(x, 6, 3)
  x = b.depthwise(x, 1, 3)
  x = b.add(b.conv(x, 6, 1), x)
  x = b.add(x, b.constant_operand((1, 9, 10, 6), dtype=DType.INT16))
  y = b.max_pool(x, 2, 1)
  b.output(b.average_pool(y, 3), b.average_pool(y, (8, 9)))
  b.output(b.fully_connected(y, 5))
  b.output(b.fully_connected(b.average_pool(y, (8, 9)), 3))
  x = b.sub(b.mul(x, b.logistic(x)), b.leaky_relu(x))
  x = b.maximum(x, b.constant_operand((1, 1, 1, 6), like=x, dtype=DType.INT16))
  x = b.minimum(b.constant_operand((1, 9, 1, 1), like=x, dtype=DType.INT16), x)
  b.output(b.squared_difference(x, b.tanh(x)))
  b.output(b.mean(x), b.mean(x, (2,)), b.softmax(x), b.tanh(b.transpose_conv(x, 3)))
  return b.build()


def constants_model(dtype: DType) -> bytes:
  """Binary operators with constants of every shape that is broadcast, on either side."""
  b = ModelBuilder(23)
  rows, cols, channels = 5, 4, 3
  x = b.input((1, rows, cols, channels), dtype)
  for shape in itertools.product((1, rows), (1, cols), (1, channels)):
    for operate in _binary_operators(b, dtype):
      x = operate(x, (1, *shape))
  b.output(x)
  return b.build()


def _binary_operators(b: ModelBuilder, dtype: DType) -> list[Callable[[int, tuple[int, ...]], int]]:
  def constant(shape: tuple[int, ...]) -> int:
    return b.constant_operand(shape, dtype=dtype)

  both = [lambda x, shape: b.add(x, constant(shape)), lambda x, shape: b.add(constant(shape), x)]
  both += [
    lambda x, shape: b.sub(constant(shape), x),
    lambda x, shape: b.mul(x, constant(shape)),
    lambda x, shape: b.maximum(x, b.constant_operand(shape, like=x, dtype=dtype)),
    lambda x, shape: b.minimum(b.constant_operand(shape, like=x, dtype=dtype), x),
  ]
  if dtype == DType.INT16:
    return both
  return [*both, lambda x, shape: b.prelu(x, constant(shape))]
