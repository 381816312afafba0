# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models of sequences by chance: states, recurrent layers, attention, graphs, sliding windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from support.matmul_cases import HEADS, attention
from support.model_builder import ModelBuilder
from support.model_core import options
from support.neighbour_ops import FORMS
from support.window_models import windowed
from tflm_patch.api import ConvertOptions
from tflm_patch.graph.types import DType, Operator


@dataclasses.dataclass(frozen=True)
class Drawn:
  """A model.

  Attributes:
    kind: One of KINDS.
    data: The file.
    options: Of its conversion; with a hop the converted model takes new rows alone.
  """

  kind: str
  data: bytes
  options: ConvertOptions


def _streaming_layer(b: ModelBuilder, rng: np.random.Generator, x: int, number: int) -> int:
  """The rows of earlier calls from a variable, joined with new ones; a convolution over them."""
  _, new, cols, channels = b.shape(x)
  kept = int(rng.integers(1, 6))
  handle = b.tensor((), DType.RESOURCE)
  name = options('VarHandleOptions', container=b'', sharedName=f'state_{number}'.encode())
  b.add_operator('VAR_HANDLE', (), (handle,), name)
  old = b.activation((1, kept, cols, channels), b.spread(x), like=x)
  b.add_operator('READ_VARIABLE', (handle,), (old,))
  rows = b.concat((old, x), axis=1)
  end = (1, kept + new, cols, channels)
  last = b.strided_slice(rows, (0, new, 0, 0), end, (1, 1, 1, 1))
  b.operators.append(Operator('ASSIGN_VARIABLE', (handle, last), ()))
  if rng.random() < 0.5:
    return b.conv(rows, int(rng.integers(2, 9)), (kept + 1, 1), padding='VALID', activation='RELU')
  return b.depthwise(rows, 1, (kept + 1, 1), padding='VALID')


def _state(b: ModelBuilder, rng: np.random.Generator) -> None:
  x = b.input((1, int(rng.integers(1, 3)), 1, int(rng.integers(2, 9))))
  for number in range(rng.integers(1, 4)):
    x = _streaming_layer(b, rng, x, number)
  b.output(b.fully_connected(x, int(rng.integers(1, 6))))


def _steps(b: ModelBuilder, rng: np.random.Generator) -> int:
  return b.input((1, int(rng.integers(1, 9)), int(rng.integers(2, 13))))


def _vector(b: ModelBuilder, x: int) -> int:
  return b.reshape(x, (1, int(np.prod(b.shape(x)))))


def _lstm(b: ModelBuilder, rng: np.random.Generator) -> None:
  x = _steps(b, rng)
  for _ in range(rng.integers(1, 3)):
    x = b.lstm(x, int(rng.integers(1, 14)), int(rng.integers(-14, -10)))
  b.output(b.fully_connected(_vector(b, x), int(rng.integers(1, 6))))


def _svdf(b: ModelBuilder, rng: np.random.Generator) -> None:
  width = int(rng.integers(2, 20))
  x = b.input((1, width)) if rng.random() < 0.7 else b.quantize(b.input((1, width), DType.INT16))
  for _ in range(rng.integers(1, 4)):
    state = DType.INT16 if rng.random() < 0.5 else DType.INT8
    units, memory, rank = (int(rng.integers(1, most)) for most in (13, 8, 4))
    x = b.svdf(x, units, memory, rank, state)
  if rng.random() < 0.5:
    b.output(b.softmax(x))
  else:
    b.output(b.requantize(b.softmax_int16(x), DType.INT32))


def _mixed(b: ModelBuilder, rng: np.random.Generator) -> None:
  """A recurrent layer, a dense one, one that remembers its input."""
  x = b.lstm(_steps(b, rng), int(rng.integers(2, 10)))
  y = b.fully_connected(_vector(b, x), int(rng.integers(3, 12)), activation='RELU6')
  b.output(b.softmax(b.svdf(y, int(rng.integers(1, 8)), int(rng.integers(1, 8)))), y)


def _attention(b: ModelBuilder, rng: np.random.Generator) -> None:
  steps, values = int(rng.integers(2, 12)), HEADS * int(rng.integers(1, 4))
  x = b.input((1, steps, values))
  if rng.random() < 0.4:
    x = b.lstm(x, values)
  y = attention(b, x)
  if rng.random() < 0.5:
    y = b.add(y, x)
  b.output(b.fully_connected(y, int(rng.integers(1, 8)), flatten=False, keep_num_dims=True))


def _graph(b: ModelBuilder, rng: np.random.Generator) -> None:
  """Sums over neighbours; now and then what they give goes through a recurrent layer."""
  nodes, count = int(rng.integers(4, 80)), int(rng.integers(1, 5))
  near = rng.integers(0, nodes, (nodes, count)).tolist()
  if rng.random() < 0.6:  # neighbours on a line, numbered by chance
    line, at = rng.permutation(nodes), np.arange(nodes)
    near = [[0]] * nodes
    for i in at:
      near[line[i]] = line[np.clip([i - 1, i, i + 1], 0, nodes - 1)].tolist()
  x = b.input((1, nodes, int(rng.integers(1, 6))))
  for _ in range(rng.integers(1, 3)):
    x = b.fully_connected(x, int(rng.integers(1, 12)), flatten=False, keep_num_dims=True)
    x = b.relu(b.neighbours(x, near, str(rng.choice(FORMS))))
  if rng.random() < 0.3:
    b.output(b.svdf(b.mean(x, (1,), keep_dims=False), 3, 4))
  b.output(x)


_BUILD: dict[str, Callable[[ModelBuilder, np.random.Generator], None]] = {
  'state': _state,
  'lstm': _lstm,
  'svdf': _svdf,
  'mixed': _mixed,
  'attention': _attention,
  'graph': _graph,
}
KINDS = (*_BUILD, 'hop')


def drawn(seed: int) -> Drawn:
  """A model by chance, the same one for the same seed."""
  rng = np.random.default_rng(seed)
  kind = str(rng.choice(KINDS))
  if kind == 'hop':
    found = windowed(seed, str(rng.choice(['SAME', 'VALID', 'MIXED'])))
    hop = found.strides * int(rng.integers(1, 3))
    return Drawn(kind, found.data, ConvertOptions(force_stage=True, hop=hop))
  b = ModelBuilder(seed, wild=bool(rng.random() < 0.1))
  _BUILD[kind](b, rng)
  keep = bool(rng.random() < 0.2)
  return Drawn(kind, b.build(), ConvertOptions(force_stage=True, keep_input=keep))
