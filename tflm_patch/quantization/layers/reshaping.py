# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Layers that move values without changing them."""

from __future__ import annotations

import math

import numpy as np

from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.concatenation import Concatenation
from tflm_patch.quantization.operators.reshape import Transpose


@layer('Flatten')
def flatten(call: Call) -> Value:
  """RESHAPE to a vector."""
  call.need_channels_last()
  return call.reshape(call.input, (1, call.input.elements))


@layer('Reshape')
def reshape(call: Call) -> Value:
  """RESHAPE."""
  return resolved(call, tuple(call.layer.target_shape))


def resolved(call: Call, target: tuple[int, ...]) -> Value:
  """To a shape without the batch, in which one size may be -1."""
  known = math.prod(size for size in target if size != -1)
  sizes = tuple(call.input.elements // known if size == -1 else int(size) for size in target)
  return call.reshape(call.input, (1, *sizes))


@layer('Permute')
def permute(call: Call) -> Value:
  """TRANSPOSE; RESHAPE where only dimensions of 1 move."""
  return transposed(call, (0, *call.layer.dims))


def transposed(call: Call, order: tuple[int, ...]) -> Value:
  """Dimensions in another order."""
  shape = call.input.shape
  large = [axis for axis in order if shape[axis] > 1]
  if large == sorted(large):
    return call.reshape(call.input, tuple(shape[axis] for axis in order))
  return call.add(Transpose(order), call.input)


@layer('RepeatVector')
def repeat_vector(call: Call) -> Value:
  """CONCATENATION of a vector with itself."""
  x = call.reshape(call.input, (1, 1, call.input.channels))
  count = int(call.layer.n)
  return x if count == 1 else call.add(Concatenation(1), *np.repeat(np.array([x]), count))
