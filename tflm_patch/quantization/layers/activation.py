# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Activations: layers, and functions that other layers end with."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import function, layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.activation import (
  Elu,
  Gelu,
  HardSwish,
  LeakyRelu,
  Logistic,
  Prelu,
  Softmax,
  Tanh,
)
from tflm_patch.quantization.operators.affine import Affine
from tflm_patch.quantization.operators.base import Clamp
from tflm_patch.quantization.operators.binary import Mul
from tflm_patch.quantization.operators.clamp import ClampOnly

_Function = Callable[[Call, Value], Value]


def clamp(call: Call, x: Value, low: float, high: float = math.inf) -> Value:
  """The value within limits."""
  return call.add(ClampOnly(clamp=Clamp(low, high)), x, part='clamp')


def _silu(call: Call, x: Value) -> Value:
  return call.add(Mul(), x, call.add(Logistic(), x, part='logistic'), part='silu')


def _hard_sigmoid(call: Call, x: Value) -> Value:
  """relu6(x + 3) / 6 = x / 6 + 1 / 2 within 0 and 1."""
  channels = np.ones(x.channels)
  y = call.add(Affine(channels / 6, channels / 2), x, part='hard_sigmoid')
  return clamp(call, y, 0.0, 1.0)


def _softmax(call: Call, x: Value) -> Value:
  if x.elements == x.channels:
    x = call.reshape(x, (1, x.channels))
  return call.add(Softmax(), x, part='softmax')


def gelu(call: Call, x: Value, approximate: bool) -> Value:
  """GELU, where it may be replaced."""
  if not call.allows_gelu:
    raise call.error(
      'TFLM has no GELU; --gelu sigmoid takes x * sigmoid(1.702 x) in its place, or use relu'
    )
  return call.add(Gelu(approximate), x, part='gelu')


# By the names of Keras' functions.
ACTIVATIONS: dict[str, _Function] = {
  'linear': lambda call, x: x,
  'relu': lambda call, x: clamp(call, x, 0.0),
  'relu6': lambda call, x: clamp(call, x, 0.0, 6.0),
  'hard_tanh': lambda call, x: clamp(call, x, -1.0, 1.0),
  'sigmoid': lambda call, x: call.add(Logistic(), x, part='sigmoid'),
  'tanh': lambda call, x: call.add(Tanh(), x, part='tanh'),
  'gelu': lambda call, x: gelu(call, x, False),
  'elu': lambda call, x: call.add(Elu(), x, part='elu'),
  'leaky_relu': lambda call, x: leaky(call, x, 0.2),
  'silu': _silu,
  'hard_silu': lambda call, x: call.add(HardSwish(), x, part='hard_swish'),
  'hard_sigmoid': _hard_sigmoid,
  'softmax': lambda call, x: softmax(call, x, -1),
}


def activate(call: Call, x: Value, activation: Any) -> Value:
  """What the activation of a layer makes of its result.

  Args:
    call: The layer.
    x: Before the activation.
    activation: A function of `keras.activations`, a layer, or None.

  Raises:
    TflmPatchError: it is not supported.
  """
  import keras

  if activation is None:
    return x
  if isinstance(activation, keras.layers.Layer):
    return call.nested(activation, x)
  name = getattr(activation, '__name__', str(activation))
  is_keras = getattr(activation, '__module__', '').split('.')[0] == 'keras'
  if not is_keras or name not in ACTIVATIONS:
    raise call.error(
      f'the activation {name} is not supported; known are {", ".join(sorted(ACTIVATIONS))}'
    )
  return ACTIVATIONS[name](call, x)


def leaky(call: Call, x: Value, slope: float) -> Value:
  """LEAKY_RELU."""
  if slope < 0:
    raise call.error(f'a slope of {slope:g} is below 0')
  return call.add(LeakyRelu(slope), x, part='leaky_relu')


def softmax(call: Call, x: Value, axis: Any) -> Value:
  """SOFTMAX, which goes along the last dimension."""
  axes = axis if isinstance(axis, (list, tuple)) else [axis]
  if [each % x.rank for each in axes] != [x.rank - 1]:
    raise call.error(f'axis {axis} is not the last one')
  shape = x.shape
  y = _softmax(call, x)
  return call.reshape(y, shape)


@layer('Activation')
def activation_layer(call: Call) -> Value:
  """A function as a layer."""
  return activate(call, call.input, call.layer.activation)


@layer('ReLU')
def relu(call: Call) -> Value:
  """RELU, with a slope LEAKY_RELU; limits become part of the range."""
  if call.layer.threshold:
    raise call.error(f'threshold is {call.layer.threshold:g}, not 0')
  high = math.inf if call.layer.max_value is None else float(call.layer.max_value)
  slope = float(call.layer.negative_slope or 0)
  if not slope:
    return clamp(call, call.input, 0.0, high)
  y = leaky(call, call.input, slope)
  return y if math.isinf(high) else clamp(call, y, -math.inf, high)


@layer('LeakyReLU')
def leaky_relu(call: Call) -> Value:
  """LEAKY_RELU."""
  return leaky(call, call.input, float(call.layer.negative_slope))


@layer('PReLU')
def prelu(call: Call) -> Value:
  """PRELU; slopes may be shared along rows and columns."""
  slopes = call.constant(call.weights('alpha'), 'slopes', call.input.rank)
  return call.add(Prelu(), call.input, slopes)


@layer('ELU')
def elu(call: Call) -> Value:
  """ELU."""
  if call.layer.alpha != 1:
    raise call.error(f'alpha is {call.layer.alpha:g}, TFLM has 1')
  return call.add(Elu(), call.input)


@layer('Softmax')
def softmax_layer(call: Call) -> Value:
  """SOFTMAX."""
  if len(call.inputs) > 1:
    raise call.error('it has a mask')
  return softmax(call, call.input, call.layer.axis)


def _simple(name: str) -> Callable[[Call], Value]:
  return lambda call: ACTIVATIONS[name](call, call.input)


for _class, _name in (
  ('Relu', 'relu'),
  ('Relu6', 'relu6'),
  ('Sigmoid', 'sigmoid'),
  ('Tanh', 'tanh'),
  ('Silu', 'silu'),
  ('HardSilu', 'hard_silu'),
  ('HardSigmoid', 'hard_sigmoid'),
):
  function(_class)(_simple(_name))


@function('LeakyRelu')
def leaky_function(call: Call) -> Value:
  """LEAKY_RELU."""
  return leaky(call, call.input, float(call.layer.negative_slope))


@function('Gelu')
def gelu_function(call: Call) -> Value:
  """GELU."""
  return gelu(call, call.input, bool(call.layer.approximate))


@function('Softmax')
def softmax_function(call: Call) -> Value:
  """SOFTMAX."""
  return softmax(call, call.input, call.layer.axis)
