# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The Keras layers of each operator of a spec, in one table."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras

from tflm_patch.architecture.layers import Layer
from tflm_patch.architecture.spec import Activation


@dataclasses.dataclass(frozen=True)
class Maker:
  """What is to be made.

  Attributes:
    layer: The operator.
    name: Of the Keras layer; others of the operator begin with it.
    momentum: Of batch normalization; None for none.
  """

  layer: Layer
  name: str
  momentum: float | None


def norm_name(name: str) -> str:
  """The name of the batch normalization of a layer."""
  return f'{name}_norm'


def _finish(maker: Maker, x: Any) -> Any:
  """Batch normalization and the activation."""
  if maker.momentum is not None:
    norm = keras.layers.BatchNormalization(momentum=maker.momentum, name=norm_name(maker.name))
    x = norm(x)
  return _activate(maker, x)


def _activate(maker: Maker, x: Any) -> Any:
  activation = maker.layer.activation
  if activation is Activation.NONE:
    return x
  limit = 6.0 if activation is Activation.RELU6 else None
  return keras.layers.ReLU(limit, name=f'{maker.name}_{activation.value}')(x)


def _window(maker: Maker) -> dict[str, Any]:
  layer = maker.layer
  return {'strides': layer.stride, 'padding': layer.padding.value, 'name': maker.name}


def _conv(maker: Maker, inputs: Sequence[Any]) -> Any:
  layer = keras.layers.Conv2D(
    maker.layer.output.channels,
    maker.layer.kernel,
    use_bias=maker.momentum is None,
    kernel_initializer='he_normal',
    **_window(maker),
  )
  return _finish(maker, layer(inputs[0]))


def _depthwise(maker: Maker, inputs: Sequence[Any]) -> Any:
  layer = keras.layers.DepthwiseConv2D(
    maker.layer.kernel,
    use_bias=maker.momentum is None,
    depthwise_initializer='he_normal',
    **_window(maker),
  )
  return _finish(maker, layer(inputs[0]))


def _dense(maker: Maker, inputs: Sequence[Any]) -> Any:
  units = maker.layer.output.channels
  use_bias = maker.momentum is None
  return _finish(maker, keras.layers.Dense(units, use_bias=use_bias, name=maker.name)(inputs[0]))


def _pool(kind: str) -> Callable[[Maker, Sequence[Any]], Any]:
  def make(maker: Maker, inputs: Sequence[Any]) -> Any:
    return getattr(keras.layers, kind)(maker.layer.kernel, **_window(maker))(inputs[0])

  return make


def _mean(maker: Maker, inputs: Sequence[Any]) -> Any:
  keep = maker.layer.keep_dims
  return keras.layers.GlobalAveragePooling2D(keepdims=keep, name=maker.name)(inputs[0])


def _merge(kind: str) -> Callable[[Maker, Sequence[Any]], Any]:
  def make(maker: Maker, inputs: Sequence[Any]) -> Any:
    return _activate(maker, getattr(keras.layers, kind)(name=maker.name)(list(inputs)))

  return make


def _single(kind: str, *arguments: Any) -> Callable[[Maker, Sequence[Any]], Any]:
  def make(maker: Maker, inputs: Sequence[Any]) -> Any:
    return getattr(keras.layers, kind)(*arguments, name=maker.name)(inputs[0])

  return make


MAKERS: dict[str, Callable[[Maker, Sequence[Any]], Any]] = {
  'CONV_2D': _conv,
  'DEPTHWISE_CONV_2D': _depthwise,
  'FULLY_CONNECTED': _dense,
  'AVERAGE_POOL_2D': _pool('AveragePooling2D'),
  'MAX_POOL_2D': _pool('MaxPooling2D'),
  'MEAN': _mean,
  'RESHAPE': _single('Flatten'),
  'ADD': _merge('Add'),
  'MUL': _merge('Multiply'),
  'SOFTMAX': _single('Softmax'),
  'LOGISTIC': _single('Activation', 'sigmoid'),
  'HARD_SWISH': _single('Activation', 'hard_silu'),
}
