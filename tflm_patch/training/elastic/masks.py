# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Parts of layers by masks, on any backend of Keras.

What is not used is computed and multiplied with 0: there is one program for all
sub-networks, and each costs what the whole network costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from tflm_patch.architecture.layers import Layer
from tflm_patch.training.elastic.table import Number


def _first(count: Any, total: int) -> Any:
  """1 for the first channels, 0 for the others; float32[total]."""
  return ops.cast(ops.arange(total, dtype='float32') < count, 'float32')


def _centre(row: Any, rows: int, columns: int) -> Any:
  """1 within the used part of a window; float32[rows, columns, 1, 1]."""
  sides = []
  for column, total in ((Number.ROWS, rows), (Number.COLUMNS, columns)):
    distance = ops.abs(ops.arange(total, dtype='float32') - (total - 1) / 2)
    sides.append(ops.cast(distance < row[column] / 2, 'float32'))
  return ops.reshape(sides[0], (rows, 1, 1, 1)) * ops.reshape(sides[1], (1, columns, 1, 1))


def conv(part: Any, layer: Layer, x: Any, row: Any) -> Any:
  """CONV_2D, without its activation."""
  kernel = part.kernel * _centre(row, *layer.kernel)
  x = ops.conv(x, kernel, layer.stride, layer.padding.value, 'channels_last')
  return x + part.bias if part.use_bias else x


def depthwise(part: Any, layer: Layer, x: Any, row: Any) -> Any:
  """DEPTHWISE_CONV_2D, without its activation."""
  kernel = part.kernel * _centre(row, *layer.kernel)
  x = ops.depthwise_conv(x, kernel, layer.stride, layer.padding.value, 'channels_last')
  return x + part.bias if part.use_bias else x


def dense(part: Any, layer: Layer, x: Any, row: Any) -> Any:
  """FULLY_CONNECTED, without its activation."""
  x = ops.matmul(x, part.kernel)
  return x + part.bias if part.use_bias else x


def normalize(part: Any, x: Any, row: Any, training: bool) -> Any:
  """Batch normalization."""
  return part(x, training=training)


def finish(x: Any, row: Any) -> Any:
  """The first channels; 0 for the others."""
  return x * _first(row[Number.CHANNELS], x.shape[-1])


def block(
  x: Any, compute: Callable[[], Any], active: Any | None, adds: Any | None, always_adds: bool
) -> Any:
  """What a block makes, and its input.

  Args:
    x: What it reads.
    compute: What its layers make of it.
    active: 0 where it is left out; None where that never happens.
    adds: 1 where x is added; None where it is known.
    always_adds: What is known.
  """
  made = compute()
  if adds is not None:
    made = made + adds * _as_wide_as(made, x)
  elif always_adds:
    made = x + made
  return made if active is None else x + active * (made - x)


def _as_wide_as(made: Any, x: Any) -> Any:
  """A map with as many channels: what is cut or padded is 0 where the maps are added."""
  have, want = x.shape[-1], made.shape[-1]
  if have >= want:
    return x[..., :want]
  return ops.pad(x, [[0, 0]] * (len(x.shape) - 1) + [[0, want - have]])
