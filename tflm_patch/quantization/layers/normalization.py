# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Batch normalization and rescaling, a scale and a shift per channel; layer normalization."""

from __future__ import annotations

import numpy as np

from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.activation import Rsqrt
from tflm_patch.quantization.operators.affine import Affine
from tflm_patch.quantization.operators.binary import Add, Mul, SquaredDifference, Sub
from tflm_patch.quantization.operators.mean import Mean


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


@layer('LayerNormalization')
def layer_normalization(call: Call) -> Value:
  """Over the channels: MEAN, SQUARED_DIFFERENCE, MEAN, ADD, RSQRT, SUB, MUL."""
  own, x = call.layer, call.input
  axes = own.axis if isinstance(own.axis, (list, tuple)) else [own.axis]
  if [axis % x.rank for axis in axes] != [x.rank - 1]:
    raise call.error(f'axis {own.axis} is not that of the channels')
  if getattr(own, 'rms_scaling', False):
    raise call.error('rms_scaling is not supported')
  over_channels = Mean((x.rank - 1,), True)
  mean = call.add(over_channels, x, part='mean')
  squares = call.add(SquaredDifference(), x, mean, part='squares')
  variance = call.add(over_channels, squares, part='variance')
  epsilon = call.constant(np.full((1,) * x.rank, own.epsilon), 'epsilon')
  divisor = call.add(Rsqrt(), call.add(Add(), variance, epsilon, part='floor'), part='rsqrt')
  y = call.add(Mul(), call.add(Sub(), x, mean, part='centred'), divisor, part='normal')
  if not own.scale and not own.center:
    return y
  scale = call.weights('gamma') if own.scale else np.ones(x.channels)
  shift = call.weights('beta') if own.center else np.zeros(x.channels)
  return call.add(Affine(scale.astype(np.float64), shift.astype(np.float64)), y)


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
