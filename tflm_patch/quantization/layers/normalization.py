# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Batch normalization and rescaling: a scale and a shift per channel."""

from __future__ import annotations

import numpy as np

from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.affine import Affine


@layer('BatchNormalization')
def batch_normalization(call: Call) -> Value:
  """With the moving mean and variance."""
  axis = call.layer.axis
  if axis % call.input.rank != call.input.rank - 1:
    raise call.error(f'axis {axis} is not that of the channels')
  mean, variance = (
    call.weights(name).astype(np.float64) for name in ('moving_mean', 'moving_variance')
  )
  scale = 1 / np.sqrt(variance + call.layer.epsilon)
  if call.layer.scale:
    scale = scale * call.weights('gamma')
  shift = -mean * scale
  if call.layer.center:
    shift = shift + call.weights('beta')
  return call.add(Affine(scale, shift), call.input)


@layer('Rescaling')
def rescaling(call: Call) -> Value:
  """Also per channel."""
  scale, shift = (_per_channel(call, getattr(call.layer, name)) for name in ('scale', 'offset'))
  return call.add(Affine(scale, shift), call.input)


@layer('Normalization')
def normalization(call: Call) -> Value:
  """By mean and variance, which `adapt` has found."""
  layer = call.layer
  if layer.mean is None or layer.variance is None:
    raise call.error('it has not been adapted to data')
  mean, variance = (_per_channel(call, call.weights(name)) for name in ('mean', 'variance'))
  deviation = np.maximum(np.sqrt(variance), 1e-7)  # Keras' epsilon
  if layer.invert:
    return call.add(Affine(deviation, mean), call.input)
  return call.add(Affine(1 / deviation, -mean / deviation), call.input)


def _per_channel(call: Call, values: object) -> np.ndarray:
  from tflm_patch.quantization.capture import as_float32

  array = as_float32(values).astype(np.float64)
  if array.size not in (1, call.input.channels) or array.size != (array.shape or (1,))[-1]:
    raise call.error(f'its values of shape {list(array.shape)} are not one per channel')
  return np.broadcast_to(array.reshape(-1), (call.input.channels,)).copy()
