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


def _window(layer: Layer, name: str) -> dict[str, Any]:
  return {'strides': layer.stride, 'padding': layer.padding.value, 'name': name}


def _conv(layer: Layer, name: str, use_bias: bool) -> Any:
  return keras.layers.Conv2D(
    layer.output.channels,
    layer.kernel,
    use_bias=use_bias,
    kernel_initializer='he_normal',
    **_window(layer, name),
  )


def _depthwise(layer: Layer, name: str, use_bias: bool) -> Any:
  return keras.layers.DepthwiseConv2D(
    layer.kernel, use_bias=use_bias, depthwise_initializer='he_normal', **_window(layer, name)
  )


def _dense(layer: Layer, name: str, use_bias: bool) -> Any:
  return keras.layers.Dense(layer.output.channels, use_bias=use_bias, name=name)


# The Keras layer that has an operator's weights, from its name and whether it has a bias.
WEIGHTED: dict[str, Callable[[Layer, str, bool], Any]] = {
  'CONV_2D': _conv,
  'DEPTHWISE_CONV_2D': _depthwise,
  'FULLY_CONNECTED': _dense,
}


def _weighted(maker: Maker, inputs: Sequence[Any]) -> Any:
  make = WEIGHTED[maker.layer.opcode]
  return _finish(maker, make(maker.layer, maker.name, maker.momentum is None)(inputs[0]))


def _pool(kind: str) -> Callable[[Maker, Sequence[Any]], Any]:
  def make(maker: Maker, inputs: Sequence[Any]) -> Any:
    return getattr(keras.layers, kind)(maker.layer.kernel, **_window(maker.layer, maker.name))(
      inputs[0]
    )

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
  **dict.fromkeys(WEIGHTED, _weighted),
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
