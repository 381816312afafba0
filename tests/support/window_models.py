# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models that look at windows of a stream, drawn by chance; and streams through them."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from support.model_builder import ModelBuilder
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.runtime.tflm import Interpreter

_HEADS = ('pool', 'mean', 'dense', 'max', 'rows')


@dataclasses.dataclass(frozen=True)
class Windowed:
  """A model of whole windows, and hops that its strides divide.

  Attributes:
    data: The file.
    strides: The product of the strides in time.
  """

  data: bytes
  strides: int


def windowed(seed: int, padding: str = 'SAME', dtype: DType = DType.INT8) -> Windowed:
  """A network of convolutions, pools, additions and lookups over 12 to 40 rows.

  Args:
    seed: Of its shape and weights.
    padding: Of its windows; 'MIXED' for one or the other.
    dtype: int8 or int16.
  """
  b = ModelBuilder(seed)
  rng = np.random.default_rng(seed)
  x = b.input((1, int(rng.integers(12, 41)), int(rng.choice([1, 1, 3])), 4), dtype)
  strides = 1
  for _ in range(rng.integers(1, 5)):
    stride = int(rng.choice([1, 1, 1, 2])) if strides < 4 else 1
    x = _block(b, rng, x, stride, padding)
    strides *= stride
  head = str(rng.choice(_HEADS))
  b.output(_head(b, head, x))
  return Windowed(b.build(), strides)


def _block(b: ModelBuilder, rng: np.random.Generator, x: int, stride: int, padding: str) -> int:
  """One of the layers that look at several rows, or at one."""
  chosen = padding if padding != 'MIXED' else str(rng.choice(['SAME', 'VALID']))
  rows, cols = b.shape(x)[1:3]
  most = min(5, rows - 1) if rows > 4 else 1
  kernel = int(rng.integers(1, most + 1)), int(rng.choice([1, min(3, cols)]))
  dilation = 2 if stride == 1 and kernel[0] * 2 < rows // 2 and rng.random() < 0.2 else 1
  kind = rng.choice(['conv', 'depthwise', 'depthwise', 'average', 'max', 'residual', 'pointwise'])
  if b.dtype(x) == DType.INT16 or kind == 'conv':
    return b.conv(x, 6, kernel, (stride, 1), (dilation, 1), padding=chosen, activation='RELU')
  if kind == 'depthwise':
    y = b.depthwise(x, 1, kernel, (stride, 1), (dilation, 1), padding=chosen)
    return b.conv(y, 8, 1, activation='RELU')
  if kind in ('average', 'max'):
    pool = b.average_pool if kind == 'average' else b.max_pool
    return pool(x, kernel, (stride, 1), padding=chosen)
  if kind == 'residual':
    y = b.depthwise(x, 1, (3, 1), 1)
    x = b.add(x, y, 'RELU')
  return b.tanh(b.conv(x, 6, 1, (stride, 1), padding=chosen))


def _head(b: ModelBuilder, head: str, x: int) -> int:
  """What comes behind all rows of the last map."""
  rows, cols = b.shape(x)[1:3]
  if head == 'pool':
    x = b.average_pool(x, (rows, cols), (rows, cols))
  elif head == 'mean' and b.dtype(x) == DType.INT8:
    x = b.mean(x)
  elif head == 'max':
    x = b.max_pool(x, (rows, cols), (rows, cols))
  elif head == 'rows':
    return x
  return b.fully_connected(x, 3)


def rows_of(data: bytes) -> tuple[int, ...]:
  """The shape of the model's input."""
  main = parse_model(data).main
  return main.tensors[main.inputs[0]].shape


def expect_same_windows(
  original: bytes, converted: bytes, hops: int = 60, resets: tuple[int, ...] = (), streams: int = 1
) -> int:
  """Every output byte of every window of streams, of which each has an interpreter.

  Args:
    original, converted: Of whole windows, and of their new rows.
    hops: Of each stream.
    resets: Hops before which it begins again.
    streams: They take turns.

  Returns:
    How many windows were compared.
  """
  stock = Interpreter(original)
  ours = [Interpreter(converted) for _ in range(streams)]
  window, new = rows_of(original), rows_of(converted)
  dtype = stock.inputs[0].dtype
  info = np.iinfo(dtype)
  rng = np.random.default_rng(hops)
  given: list[list[np.ndarray]] = [[] for _ in ours]
  compared = 0
  for hop, stream in itertools.product(range(hops), range(streams)):
    if hop in resets:
      ours[stream].reset()
      given[stream] = []
    given[stream].append(rng.integers(info.min, info.max + 1, new).astype(dtype))
    made = ours[stream].outputs_of([given[stream][-1]])
    rows = np.concatenate(given[stream], axis=1)
    assert (made is not None) == (rows.shape[1] >= window[1]), (hop, stream)
    if made is None:
      continue
    wanted = stock.invoke([np.ascontiguousarray(rows[:, -window[1] :])])
    for a, b in zip(wanted, made, strict=True):
      np.testing.assert_array_equal(a, b, f'hop {hop} of stream {stream}')
    compared += 1
  return compared
