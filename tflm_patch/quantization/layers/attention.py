# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Attention of several heads."""

from __future__ import annotations

from typing import Any

import numpy as np

from tflm_patch.quantization.layers.activation import softmax
from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.batch_matmul import BatchMatmul
from tflm_patch.quantization.operators.conv import Conv2D
from tflm_patch.quantization.operators.reshape import Transpose
from tflm_patch.quantization.operators.window import Window

_HEADS_FIRST = (0, 2, 1, 3)


@layer('MultiHeadAttention')
def multi_head_attention(call: Call) -> Value:
  """softmax(Q K^T) V of every head; queries are scaled by their weights."""
  query, key, value = _operands(call)
  own = call.layer
  scale = 1 / np.sqrt(float(own.key_dim))
  queries = _heads(call, query, own._query_dense, 'query', scale)
  keys = _heads(call, key, own._key_dense, 'key')
  values = _heads(call, value, own._value_dense, 'value')
  scores = call.add(BatchMatmul(True), queries, keys, part='scores')
  weights = softmax(call, scores, -1)
  mixed = call.add(BatchMatmul(False), weights, values, part='mixed')
  joined = call.add(Transpose(_HEADS_FIRST), mixed, part='joined')
  steps, width = joined.shape[1], joined.shape[2] * joined.shape[3]
  flat = call.reshape(joined, (1, steps, width))
  kernel = call.nested_weights(own._output_dense, 'kernel')
  return _dense(call, flat, own._output_dense, kernel.reshape(width, -1), 'output')


def _operands(call: Call) -> tuple[Value, Value, Value]:
  """Query, key and value."""
  names = 'query', 'value', 'key', 'query_mask', 'value_mask', 'key_mask', 'attention_mask'
  given = {**dict(zip(names, call.args)), **call.kwargs}
  query, value = given.get('query'), given.get('value')
  key = value if given.get('key') is None else given['key']
  masks = [name for name in given if 'mask' in name and isinstance(given[name], Value)]
  if masks or given.get('use_causal_mask') or given.get('return_attention_scores'):
    raise call.error('it has a mask, or returns its scores')
  for each in (query, key, value):
    if not isinstance(each, Value) or each.rank != 3:
      raise call.error('its inputs are not [steps, values]')
  assert isinstance(query, Value) and isinstance(key, Value) and isinstance(value, Value)
  return query, key, value


def _heads(call: Call, x: Value, dense: Any, name: str, scale: float = 1.0) -> Value:
  """What a dense layer of [values, heads, size] makes of a line, heads first."""
  kernel = call.nested_weights(dense, 'kernel')
  _, heads, size = kernel.shape
  flat = _dense(call, x, dense, kernel.reshape(kernel.shape[0], -1), name, scale)
  y = call.reshape(flat, (1, x.shape[1], heads, size))
  return call.add(Transpose(_HEADS_FIRST), y, part=f'{name}_heads')


def _dense(
  call: Call, x: Value, dense: Any, kernel: np.ndarray, name: str, scale: float = 1.0
) -> Value:
  """A dense layer of every step, scaled."""
  bias = np.zeros(kernel.shape[1], np.float32)
  if dense.bias is not None:
    bias = call.nested_weights(dense, 'bias').reshape(-1)
  weights = (kernel * scale).astype(np.float32)[None, None]
  y = call.add(
    Conv2D(Window((1, 1)), weights, (bias * scale).astype(np.float32)), call.as_map(x), part=name
  )
  return call.as_line(y)
