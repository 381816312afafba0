# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Layers of several inputs."""

from __future__ import annotations

import numpy as np

from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.affine import Affine
from tflm_patch.quantization.operators.base import Operation
from tflm_patch.quantization.operators.binary import Add, Maximum, Minimum, Mul, Sub
from tflm_patch.quantization.operators.concatenation import Concatenation

OPERATIONS: dict[str, type[Operation]] = {
  'Add': Add,
  'Average': Add,
  'Maximum': Maximum,
  'Minimum': Minimum,
  'Multiply': Mul,
  'Subtract': Sub,
}


@layer('Add', 'Maximum', 'Minimum', 'Multiply', 'Subtract')
def merge(call: Call) -> Value:
  """Two inputs at a time."""
  operation = OPERATIONS[type(call.layer).__name__]
  rank = max(value.rank for value in call.inputs)
  result, *others = (
    call.reshape(value, (1,) * (rank - value.rank + 1) + value.shape[1:]) for value in call.inputs
  )
  for value in others:
    result = call.add(operation(), result, value)
  return result


@layer('Average')
def average(call: Call) -> Value:
  """The sum, scaled."""
  count = len(call.inputs)
  total = merge(call)
  channels = total.channels
  return call.add(Affine(np.full(channels, 1 / count), np.zeros(channels)), total, part='mean')


@layer('Concatenate')
def concatenate(call: Call) -> Value:
  """CONCATENATION."""
  return join(call, call.layer.axis)


def join(call: Call, axis: int) -> Value:
  """The inputs side by side."""
  if len(call.inputs) == 1:
    return call.input
  axis %= call.input.rank
  if axis == 0:
    raise call.error('it joins batches')
  return call.add(Concatenation(axis), *call.inputs)
