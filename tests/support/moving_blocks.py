# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Blocks of generated networks that move, join and reduce rows, columns and channels."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from support.neighbour_ops import FORMS
from tflm_patch.graph.types import DType

_ORDERS = [(0, *axes) for axes in itertools.permutations((1, 2, 3))][1:]
_AXES = [a for n in (1, 2, 3) for a in itertools.combinations((1, 2, 3), n)]
MAX_SIZE = 24  # of a dimension that a block makes longer
_MOST_SHARES = 511  # TFLM stops where the exponentials of a SOFTMAX add up to 512


def _axis(s: Any) -> int:
  return s.draw(st.sampled_from([1, 2, 3]))


def concat_along(s: Any, x: int) -> int:
  """Two to four maps and constants along any axis; maps may occur twice."""
  axis = _axis(s)
  if s.shape(x)[axis] > MAX_SIZE // 2:
    return s.relu6(x)
  parts = [x]
  for _ in range(s.draw(st.integers(1, 2))):
    kind = s.draw(st.sampled_from(['same', 'copy', 'conv', 'pool', 'constant', 'slice']))
    if kind == 'same':
      parts.append(x)
    elif kind == 'copy':
      parts.append(s.relu6(x))
    elif kind == 'conv':
      parts.append(s.quantize(s.conv(x, s.shape(x)[3], 3, padding='SAME'), like=x))
    elif kind == 'pool':
      parts.append(s.quantize(s.max_pool(x, 3, 1, 'SAME'), like=x))
    elif kind == 'constant':
      shape = list(s.shape(x))
      shape[axis] = s.draw(st.integers(1, 3))
      parts.append(s.constant_operand(shape, like=x))
    else:
      size = list(s.shape(x))
      size[axis] = s.draw(st.integers(1, size[axis]))
      parts.append(s.slice(x, (0, 0, 0, 0), size))
  return s.concat(s.draw(st.permutations(parts)), axis)


def two_heads(s: Any, x: int) -> int:
  """Rows of values from two maps of other sizes, one below the other, as detectors have them."""
  values = s.draw(st.integers(1, 4))
  first = s.conv(x, values * s.draw(st.integers(1, 2)), 1)
  second = s.conv(s.max_pool(x, 2, 2, 'SAME'), values, s.draw(st.sampled_from([1, 3])))
  second = s.quantize(second, like=first)
  lines = []
  for head in s.draw(st.permutations([first, second])):
    _, rows, cols, channels = s.shape(head)
    lines.append(s.reshape(head, (1, rows * cols * channels // values, values)))
  joined = s.concat(lines, 1)
  return s.reshape(joined, (1, s.shape(joined)[1], 1, values))


def transpose(s: Any, x: int) -> int:
  return s.transpose(x, s.draw(st.sampled_from(_ORDERS)))


def packed(s: Any, x: int) -> int:
  """UNPACK along an axis, and PACK of some parts along another."""
  axis = _axis(s)
  if s.shape(x)[axis] > 8:
    x = s.slice(x, (0, 0, 0, 0), [min(size, 8) for size in s.shape(x)])
  parts = s.unpack(x, axis)
  chosen = s.draw(st.lists(st.sampled_from(parts), min_size=1, max_size=4))
  return s.pack(chosen, _axis(s))


def reduction(s: Any, x: int) -> int:
  """MEAN, SUM, REDUCE_MAX or REDUCE_MIN, and now and then what was reduced broadcast again."""
  reduce = s.draw(st.sampled_from([s.mean, s.sum, s.reduce_max, s.reduce_min]))
  axes = s.draw(st.sampled_from(_AXES))
  if len(axes) < 3 and s.draw(st.sampled_from([False, False, True])):
    y = reduce(x, axes, False)
    kept = [1 if i in axes else size for i, size in enumerate(s.shape(x))]
    return s.reshape(y, kept)
  y = reduce(x, axes)
  again = s.draw(st.sampled_from(['no', 'broadcast_to', 'add', 'squared_difference']))
  if again == 'broadcast_to':
    return s.broadcast_to(y, s.shape(x))
  return y if again == 'no' else getattr(s, again)(*s.draw(st.permutations([x, y])))


def moved(s: Any, x: int) -> int:
  """GATHER, REVERSE_V2 or MIRROR_PAD along any axes."""
  kind = s.draw(st.sampled_from(['gather', 'reverse_v2', 'mirror_pad']))
  axis = _axis(s)
  size = s.shape(x)[axis]
  if kind == 'reverse_v2':
    return s.reverse(x, axis)
  if kind == 'gather':
    return s.gather(
      x, s.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=MAX_SIZE)), axis
    )
  symmetric = s.draw(st.booleans())
  pads = [(0, 0)]
  for length in s.shape(x)[1:]:
    most = min(3, length if symmetric else length - 1)
    pads.append((s.draw(st.integers(0, most)), s.draw(st.integers(0, most))))
  return s.mirror_pad(x, pads, symmetric)


def difference(s: Any, x: int) -> int:
  _, rows, cols, channels = s.shape(x)
  shapes = [(1, 1, 1, channels), (), (1, rows, cols, channels), (1, rows, 1, 1)]
  other = s.constant_operand(s.draw(st.sampled_from(shapes)))
  return s.squared_difference(*s.draw(st.permutations([x, other])))


def unusual(s: Any, x: int) -> int:
  """L2_NORMALIZATION, CAST and QUANTIZE to and fro, DIV by a constant, ADD_N."""
  kind = s.draw(st.sampled_from(['l2_normalization', 'cast', 'requantize', 'div', 'add_n']))
  if kind == 'requantize':
    if s.draw(st.booleans()):
      x = s.softmax_int16(x)
    else:
      x = s.requantize(x, s.draw(st.sampled_from([DType.INT16, DType.INT32])))
    if s.draw(st.booleans()):
      x = s.requantize(x, DType.INT16)
    return s.requantize(x, DType.INT8)
  if kind == 'add_n':
    parts = [x, s.relu6(x), s.max_pool(x, 3, 1, 'SAME'), s.constant_operand(s.shape(x), like=x)]
    like = [part if part == x else s.quantize(part, like=x) for part in parts[:-1]] + parts[-1:]
    return s.add_n(*s.draw(st.permutations(like))[: s.draw(st.integers(2, 4))], x)
  if kind == 'cast':
    between = s.draw(st.sampled_from([DType.INT16, DType.INT32, DType.INT8]))
    return s.cast(s.cast(x, between), DType.INT8)
  if kind == 'div':
    return s.div(x, s.single(s.draw(st.sampled_from([-90, -3, 1, 5, 40, 100]))))
  return s.l2_normalization(x)


def summed(s: Any, x: int) -> int:
  """CUMSUM along any axis, either way, or LOG_SOFTMAX."""
  if s.draw(st.sampled_from([False, False, True])):
    return s.log_softmax(x)
  axis, exclusive = _axis(s), s.draw(st.booleans())
  return s.cumsum(x, axis, exclusive, axis > 1 and s.draw(st.booleans()))


def picked(s: Any, x: int) -> int:
  """GATHER_ND of rows, cells or values, as rows again."""
  depth, channels = s.draw(st.sampled_from([3, 2, 4])), s.shape(x)[3]
  sizes = s.shape(x)[:depth]
  one = st.tuples(*[st.integers(0, size - 1) for size in sizes])
  indices = s.draw(st.lists(one, min_size=1, max_size=MAX_SIZE))
  y = s.gather_nd(x, [indices] if depth == 2 or s.draw(st.booleans()) else indices)
  return y if depth == 2 else s.reshape(y, (1, len(indices), 1, channels if depth == 3 else 1))


def matrix_product(s: Any, x: int) -> int:
  """BATCH_MATMUL of a map and itself, another map or a constant, of rank 4 or 3."""
  if s.draw(st.booleans()):
    _, rows, cols, channels = s.shape(x)
    x = s.reshape(x, (1, rows * cols, channels))
  *_, vectors, depth = s.shape(x)
  batches = s.shape(x)[:-2]
  kind = s.draw(st.sampled_from(['itself', 'constant', 'moved']))
  if kind == 'itself' and vectors <= MAX_SIZE:
    y = s.batch_matmul(x, x, True)
  elif kind == 'moved' and vectors <= MAX_SIZE:
    order = (0, 1, 3, 2) if len(batches) == 2 else (0, 2, 1)
    y = s.batch_matmul(*s.draw(st.permutations([x, s.transpose(s.relu6(x), order)])))
  else:
    outputs, swapped = s.draw(st.integers(1, MAX_SIZE)), s.draw(st.booleans())
    size = (outputs, depth) if swapped else (depth, outputs)
    kept = batches if s.draw(st.booleans()) else (1,) * len(batches)
    y = s.batch_matmul(x, s.constant_operand((*kept, *size)), swapped)
  return y if len(batches) == 2 else s.reshape(y, (1, s.shape(y)[1], 1, s.shape(y)[2]))


def heads(s: Any, x: int) -> int:
  """Attention of the cells to each other, of one head or more; perhaps seen on the way."""
  _, rows, cols, _ = s.shape(x)
  count = s.draw(st.integers(1, 3))
  if rows * cols > MAX_SIZE:
    x = s.max_pool(x, 3, 3, 'SAME')
    _, rows, cols, _ = s.shape(x)
  if rows * cols > _MOST_SHARES:
    return x
  parts = []
  for _ in range(3):
    y = s.conv(x, count * 3, 1)
    parts.append(s.transpose(s.reshape(y, (1, rows * cols, count, 3)), (0, 2, 1, 3)))
  weights = s.softmax(s.batch_matmul(parts[0], parts[1], True))
  y = s.batch_matmul(weights, parts[2])
  if s.draw(st.booleans()):
    y = s.transpose(y, (0, 2, 1, 3))
  if s.draw(st.sampled_from([False, False, True])):
    s.output(weights)
  return y


def neighbours(s: Any, x: int) -> int:
  """Sums over neighbours of the cells in a random graph, between layers of every cell, perhaps."""
  _, rows, cols, channels = s.shape(x)
  nodes = rows * cols
  if nodes > MAX_SIZE**2:
    return x
  x = s.reshape(x, (1, nodes, channels))
  count = s.draw(st.integers(1, 3))
  seed = s.draw(st.integers(0, 99))
  near = np.random.default_rng(seed).integers(0, nodes, (nodes, count)).tolist()
  for _ in range(s.draw(st.integers(1, 2))):
    x = s.neighbours(x, near, s.draw(st.sampled_from(FORMS)))
    if s.draw(st.booleans()):
      x = s.relu(s.fully_connected(x, channels, keep_num_dims=True, flatten=False))
    if s.draw(st.sampled_from([False, False, True])):
      s.output(x)
  return s.reshape(x, (1, rows, cols, s.shape(x)[2]))


def recurrent(s: Any, x: int) -> int:
  """UNIDIRECTIONAL_SEQUENCE_LSTM over the rows, or SVDF of the whole map."""
  _, rows, cols, channels = s.shape(x)
  values = rows * cols * channels
  if s.draw(st.booleans()) or values > MAX_SIZE**2:
    line = s.reshape(x, (1, rows * cols, channels))
    y = s.lstm(line, s.draw(st.integers(1, 9)), s.draw(st.integers(-14, -10)))
    return s.reshape(y, (1, rows, cols, s.shape(y)[2]))
  units, memory, rank = (s.draw(st.integers(1, most)) for most in (MAX_SIZE, 6, 3))
  state = s.draw(st.sampled_from([DType.INT8, DType.INT16]))
  y = s.svdf(s.reshape(x, (1, values)), units, memory, rank, state)
  return s.reshape(y, (1, 1, 1, units))


MOVING_BLOCKS = (
  concat_along,
  two_heads,
  transpose,
  packed,
  reduction,
  moved,
  difference,
  unusual,
  matrix_product,
  heads,
  neighbours,
  recurrent,
  summed,
  picked,
)
