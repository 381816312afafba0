# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Functions of `keras.ops` between layers: `x + y`, `x / 255`, `keras.ops.mean`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tflm_patch.quantization.layers import merging, pooling, reshaping
from tflm_patch.quantization.layers.activation import clamp
from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import function
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.affine import Affine
from tflm_patch.quantization.operators.mean import Mean
from tflm_patch.quantization.operators.pad import Slice


@function('Add', 'Subtract', 'Multiply', 'Maximum', 'Minimum')
def binary(call: Call) -> Value:
  """Of two values, or of a value and a constant."""
  name = type(call.layer).__name__
  first, second = call.args[0], call.args[1]
  if isinstance(first, Value) and isinstance(second, Value):
    return merging.merge(call)
  flipped = isinstance(second, Value)
  x, constant = call.input, numbers(call, first if flipped else second)
  channels = np.ones(x.channels)
  if name in ('Maximum', 'Minimum') and constant.size == 1:
    limit = float(constant.reshape(-1)[0])
    limits = (limit, math.inf) if name == 'Maximum' else (-math.inf, limit)
    if limits[0] <= 0 <= limits[1]:
      return clamp(call, x, *limits)
  elif _is_per_channel(constant, x):
    values = channels * constant.reshape(-1)
    if name == 'Multiply':
      return call.add(Affine(values, 0 * channels), x)
    if name == 'Add':
      return call.add(Affine(channels, values), x)
    if name == 'Subtract':
      sign = -1 if flipped else 1
      return call.add(Affine(sign * channels, -sign * values), x)
  operand = call.constant(constant, 'constant', x.rank)
  operands = (operand, x) if flipped else (x, operand)
  return call.add(merging.OPERATIONS[name](), *operands)


@function('TrueDivide', 'Divide')
def divide(call: Call) -> Value:
  """By a constant."""
  if not isinstance(call.args[0], Value) or isinstance(call.args[1], Value):
    raise call.error('it does not divide by a constant')
  constant = numbers(call, call.args[1])
  if not _is_per_channel(constant, call.input):
    raise call.error('the divisor is neither one number nor one per channel')
  scale = np.ones(call.input.channels) / constant.reshape(-1)
  return call.add(Affine(scale, np.zeros(call.input.channels)), call.input)


@function('Negative')
def negative(call: Call) -> Value:
  """The value times -1."""
  channels = np.ones(call.input.channels)
  return call.add(Affine(-channels, 0 * channels), call.input)


@function('Clip')
def clip(call: Call) -> Value:
  """Between constants around 0."""
  low, high = float(call.layer.x_min), float(call.layer.x_max)
  if not low <= 0 <= high:
    raise call.error(f'0 is not within {low:g} and {high:g}')
  return clamp(call, call.input, low, high)


@function('Mean')
def mean(call: Call) -> Value:
  """Over any dimensions but the batch."""
  axes, keep = axes_of(call), bool(call.layer.keepdims)
  if axes == tuple(range(1, call.input.rank - 1)):
    return pooling.mean(call, keep)
  if not axes or 0 in axes:
    raise call.error(f'axis {call.layer.axis} has the batch in it')
  return call.add(Mean(axes, keep), call.input)


@function('Max')
def maximum(call: Call) -> Value:
  """Over rows and columns."""
  if axes_of(call) != tuple(range(1, call.input.rank - 1)):
    raise call.error(f'axis {call.layer.axis} is not all rows and columns')
  return pooling.maximum(call, bool(call.layer.keepdims))


def axes_of(call: Call) -> tuple[int, ...]:
  """The axes of a reduction, none for all of them."""
  axis = call.layer.axis
  if axis is None:
    return ()
  axes = axis if isinstance(axis, (list, tuple)) else [axis]
  return tuple(sorted(each % call.input.rank for each in axes))


@function('Reshape')
def reshape(call: Call) -> Value:
  """To a shape that begins with the batch."""
  return reshaping.resolved(call, tuple(call.layer.newshape)[1:])


@function('Transpose')
def transpose(call: Call) -> Value:
  """With the batch first."""
  axes = call.layer.axes
  order = tuple(axes) if axes is not None else tuple(range(call.input.rank))[::-1]
  if order[0] != 0:
    raise call.error('it moves the batch')
  return reshaping.transposed(call, order)


@function('Squeeze', 'ExpandDims')
def same_values(call: Call) -> Value:
  """Dimensions of 1 come and go."""
  spec = call.layer.compute_output_spec(_symbolic(call.input))
  return call.reshape(call.input, (1, *(int(size) for size in spec.shape[1:])))


@function('Concatenate')
def concatenate(call: Call) -> Value:
  """CONCATENATION."""
  return merging.join(call, call.layer.axis)


@function('GetItem')
def get_item(call: Call) -> Value:
  """STRIDED_SLICE: x[:, 1:3], with steps of 1 or more."""
  key = call.args[1] if len(call.args) > 1 else call.kwargs['key']
  parts = list(key) if isinstance(key, tuple) else [key]
  if Ellipsis in parts:
    at = parts.index(Ellipsis)
    parts[at : at + 1] = [slice(None)] * (call.input.rank - len(parts) + 1)
  parts += [slice(None)] * (call.input.rank - len(parts))
  limits, kept = [], []
  for part, size in zip(parts, call.input.shape):
    if isinstance(part, int):
      limits.append((part % size, part % size + 1, 1))
    elif isinstance(part, slice):
      limits.append(part.indices(size))
      kept.append(len(limits) - 1)
    else:
      raise call.error('an index is neither a number nor a slice')
  if limits[0] != (0, 1, 1) or 0 not in kept or any(step < 1 for _, _, step in limits):
    raise call.error('it takes a part of the batch, or goes backward')
  begin, end, stride = (tuple(values) for values in zip(*limits))
  if (begin, stride) == ((0,) * len(begin), (1,) * len(begin)) and end == call.input.shape:
    return call.input
  y = call.add(Slice(begin, end, stride), call.input)
  return call.reshape(y, tuple(y.shape[axis] for axis in kept))


def _symbolic(value: Value) -> Any:
  import keras

  return keras.KerasTensor((None, *value.shape[1:]))


def numbers(call: Call, constant: Any) -> np.ndarray:
  """A constant of a call as float32.

  Raises:
    TflmPatchError: it is none.
  """
  from tflm_patch.quantization.capture import as_float32

  try:
    return as_float32(constant)
  except (TypeError, ValueError):
    raise call.error('an operand is neither a tensor nor numbers') from None


def _is_per_channel(constant: np.ndarray, x: Value) -> bool:
  """One number, or one per channel, along the last dimension."""
  return constant.size == 1 or (
    constant.size == x.channels and constant.shape[-1:] == (x.channels,)
  )
