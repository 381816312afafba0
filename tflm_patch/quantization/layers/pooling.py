# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Pools, of windows and of whole maps."""

from __future__ import annotations

from typing import Any

from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.mean import Mean
from tflm_patch.quantization.operators.pool import AveragePool2D, MaxPool2D
from tflm_patch.quantization.operators.window import Pair, Window

_POOLS = {
  'AveragePooling1D': AveragePool2D,
  'AveragePooling2D': AveragePool2D,
  'MaxPooling1D': MaxPool2D,
  'MaxPooling2D': MaxPool2D,
}


@layer(*_POOLS)
def pool(call: Call) -> Value:
  """AVERAGE_POOL_2D or MAX_POOL_2D."""
  call.need_channels_last()
  layer = call.layer
  size, strides = _pair(layer.pool_size), _pair(layer.strides or layer.pool_size)
  kind, x = _POOLS[type(layer).__name__], call.as_map(call.input)
  if kind is AveragePool2D and size == x.shape[1:3] and layer.padding == 'valid':
    # Of the whole map: MEAN has a scale of its own, which fits the smaller range of means.
    y = call.add(Mean((1, 2), True), x)
  else:
    y = call.add(kind(Window(size, strides, same=layer.padding == 'same')), x)
  return call.as_line(y) if call.input.rank == 3 else y


def _pair(size: Any) -> Pair:
  values = (size,) if isinstance(size, int) else tuple(size)
  return (int(values[0]), int(values[1]) if len(values) == 2 else 1)


@layer('GlobalAveragePooling1D', 'GlobalAveragePooling2D')
def global_average(call: Call) -> Value:
  """MEAN."""
  call.need_channels_last()
  if len(call.inputs) > 1:
    raise call.error('it has a mask')
  return mean(call, bool(call.layer.keepdims))


def mean(call: Call, keep_dims: bool) -> Value:
  """Over rows and columns; a line keeps its rank."""
  x = call.input
  y = call.add(Mean((1, 2), keep_dims), call.as_map(x))
  return call.as_line(y) if keep_dims and x.rank == 3 else y


@layer('GlobalMaxPooling1D', 'GlobalMaxPooling2D')
def global_maximum(call: Call) -> Value:
  """MAX_POOL_2D of the whole map: stages hold it, unlike REDUCE_MAX."""
  call.need_channels_last()
  return maximum(call, bool(call.layer.keepdims))


def maximum(call: Call, keep_dims: bool) -> Value:
  """Over rows and columns."""
  x = call.as_map(call.input)
  y = call.add(MaxPool2D(Window((x.shape[1], x.shape[2]), (1, 1))), x)
  if not keep_dims:
    return call.reshape(y, (1, x.channels))
  return call.as_line(y) if call.input.rank == 3 else y
