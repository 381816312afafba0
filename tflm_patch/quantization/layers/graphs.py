# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Functions of `keras.ops` that graph networks are made of: products with a matrix, take, sum."""

from __future__ import annotations

import numpy as np

from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.functions import axes_of, numbers
from tflm_patch.quantization.layers.registry import function
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.batch_matmul import BatchMatmul
from tflm_patch.quantization.operators.mean import Sum
from tflm_patch.quantization.operators.take import Take


@function('Matmul')
def matmul(call: Call) -> Value:
  """Of two values, or of a constant matrix and a value, in either order."""
  operands = []
  for position in (0, 1):
    given = call.args[position]
    if isinstance(given, Value):
      operands.append(given)
      continue
    matrix = numbers(call, given)
    if matrix.ndim < 2 or any(size != 1 for size in matrix.shape[:-2]):
      raise call.error(f'the constant of shape {list(matrix.shape)} is not one matrix')
    operands.append(call.constant(matrix, f'matrix_{position}', 3))
  first, second = operands
  if {first.rank, second.rank} != {3}:
    raise call.error(
      f'operands of shapes {list(first.shape)} and {list(second.shape)} are not matrices; the '
      'values of a graph are [batch, nodes, channels]'
    )
  return call.add(BatchMatmul(False), first, second)


@function('Take')
def take(call: Call) -> Value:
  """GATHER: x[:, positions], of constant positions along any axis but the batch."""
  x = call.args[0]
  given = call.args[1] if len(call.args) > 1 else call.kwargs['indices']
  if not isinstance(x, Value) or isinstance(given, Value):
    raise call.error('what is taken, or from where, is computed the other way round')
  positions, axis = np.asarray(numbers(call, given)), call.layer.axis
  if axis is None or axis % x.rank == 0:
    raise call.error('it takes a part of the batch; give axis=1')
  axis %= x.rank
  size = x.shape[axis]
  positions = np.where(positions < 0, positions + size, positions)
  if positions.size == 0 or positions.min() < 0 or positions.max() >= size:
    raise call.error(f'a position is not one of the {size} that are there')
  return call.add(Take(positions.astype(np.int32), axis), x)


@function('Sum')
def total(call: Call) -> Value:
  """SUM over any dimensions but the batch."""
  axes = axes_of(call)
  if not axes or 0 in axes:
    raise call.error(f'axis {call.layer.axis} has the batch in it')
  return call.add(Sum(axes, bool(call.layer.keepdims)), call.input)
