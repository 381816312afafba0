# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Blocks of which a part of the weights runs, on any backend of Keras.

What is not used is masked: it is computed, and multiplied with 0. Convolutions cost what
they cost in the whole network; there is one program for all sub-networks. On TensorFlow,
`slices.py` computes the used part alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tflm_patch.architecture.spec import Activation, Block
from tflm_patch.models.operators import norm_name
from tflm_patch.training.elastic.space import Column


def first_channels(count: Any, total: int) -> Any:
  """1 for the first channels, 0 for the others; float32[total]."""
  return ops.cast(ops.arange(total, dtype='float32') < count, 'float32')


def centre(side: Any, total: int) -> Any:
  """1 within the central square of a kernel of total x total; float32[total, total, 1, 1]."""
  distance = ops.abs(ops.arange(total, dtype='float32') - (total - 1) / 2)
  inside = ops.cast(distance < side / 2, 'float32')
  return ops.reshape(inside, (total, 1, 1, 1)) * ops.reshape(inside, (1, total, 1, 1))


class ChannelMask(keras.layers.Layer):
  """The first channels of a map, 0 for the others.

  Call: [map, table of numbers], see `Space.table`.
  """

  def __init__(self, block: int, **kwargs: Any) -> None:
    super().__init__(**kwargs)
    self.block = block

  def call(self, inputs: Sequence[Any]) -> Any:
    x, table = inputs
    return x * first_channels(table[self.block, Column.CHANNELS], x.shape[-1])

  def compute_output_shape(self, shapes: Any) -> Any:
    return shapes[0]


class ElasticBottleneck(keras.layers.Layer):
  """An inverted bottleneck that runs with the centre of its kernel and its first channels.

  Args:
    block: Of the spec.
    number: Its row of the table of numbers.
    names: Of its layers with weights, in the order of `models.layer_names`, without those
      of normalizations.
    adds: Whether it adds its input.
    momentum: Of batch normalization.
    sliced: Compute the used part alone; TensorFlow only.

  Call: [map, table of numbers], see `Space.table`.
  """

  def __init__(
    self,
    block: Block,
    number: int,
    names: Sequence[str],
    adds: bool,
    momentum: float,
    sliced: bool = False,
    **kwargs: Any,
  ) -> None:
    super().__init__(**kwargs)
    self.block, self.number, self.adds, self.sliced = block, number, adds, sliced
    self.momentum = momentum
    left = list(names)
    self.expand_name = left.pop(0) if block.expansion != 1 else None
    self.depthwise_name = left.pop(0)
    self.gate_names = (left.pop(0), left.pop(0)) if block.squeeze else ()
    self.project_name = left.pop(0)
    self.parts: dict[str, Any] = {}

  def build(self, shapes: Any) -> None:
    block = self.block
    rows, columns, channels = shapes[0][1:]
    inner = max(1, round(block.expansion * channels))
    map_shape = (None, rows, columns, inner)
    if self.expand_name:
      self._pointwise(self.expand_name, inner, shapes[0])
      self._norm(self.expand_name, map_shape)
    depthwise = keras.layers.DepthwiseConv2D(
      block.kernel,
      block.stride,
      block.padding.value,
      use_bias=False,
      depthwise_initializer='he_normal',
      name=self.depthwise_name,
    )
    self._add(self.depthwise_name, depthwise, map_shape)
    made = depthwise.compute_output_shape(map_shape)
    self._norm(self.depthwise_name, made)
    if self.gate_names:
      squeeze = max(1, round(block.squeeze * channels))
      self._pointwise(self.gate_names[0], squeeze, (None, 1, 1, inner), use_bias=True)
      self._pointwise(self.gate_names[1], inner, (None, 1, 1, squeeze), use_bias=True)
    self._pointwise(self.project_name, block.channels, made)
    self._norm(self.project_name, (*made[:-1], block.channels))
    self.built = True

  def _pointwise(self, name: str, channels: int, shape: Any, use_bias: bool = False) -> None:
    layer = keras.layers.Conv2D(
      channels, 1, use_bias=use_bias, kernel_initializer='he_normal', name=name
    )
    self._add(name, layer, shape)

  def _norm(self, name: str, shape: Any) -> None:
    norm = keras.layers.BatchNormalization(momentum=self.momentum, name=norm_name(name))
    self._add(norm_name(name), norm, shape)

  def _add(self, name: str, layer: Any, shape: Any) -> None:
    layer.build(shape)
    self.parts[name] = layer
    setattr(self, f'part_{len(self.parts)}', layer)

  def compute_output_shape(self, shapes: Any) -> Any:
    depthwise = self.parts[self.depthwise_name]
    inner = max(1, round(self.block.expansion * shapes[0][-1]))
    made = depthwise.compute_output_shape((*shapes[0][:-1], inner))
    return (*made[:-1], self.block.channels)

  def call(self, inputs: Sequence[Any], training: bool = False) -> Any:
    x, table = inputs
    row = table[self.number]
    if self.sliced:
      from tflm_patch.training.elastic import slices

      return slices.run(self, x, row, training)
    made = self._masked(x, row, training)
    return x + row[Column.ACTIVE] * made if self.adds else made

  def _masked(self, x: Any, row: Any, training: bool) -> Any:
    if self.expand_name:
      x = self.activate(self._normed(self.expand_name, x, training))
    depthwise = self.parts[self.depthwise_name]
    kernel = depthwise.kernel * centre(row[Column.KERNEL], self.block.kernel[0])
    stride, padding = self.block.stride, self.block.padding.value
    x = ops.depthwise_conv(x, kernel, stride, padding, 'channels_last')
    x = self.parts[norm_name(self.depthwise_name)](x, training=training)
    x = self.activate(x) * first_channels(row[Column.INNER], x.shape[-1])
    if self.gate_names:
      first, last = (self.parts[name] for name in self.gate_names)
      gate = ops.relu(first(ops.mean(x, axis=(1, 2), keepdims=True)))
      gate = gate * first_channels(row[Column.SQUEEZE], gate.shape[-1])
      x = x * ops.sigmoid(last(gate))
    x = self._normed(self.project_name, x, training)
    return x * first_channels(row[Column.CHANNELS], x.shape[-1])

  def _normed(self, name: str, x: Any, training: bool) -> Any:
    return self.parts[norm_name(name)](self.parts[name](x), training=training)

  def activate(self, x: Any) -> Any:
    """The block's activation."""
    return ACTIVATIONS[self.block.activation](x)


ACTIVATIONS = {
  Activation.NONE: lambda x: x,
  Activation.RELU: ops.relu,
  Activation.RELU6: ops.relu6,
  Activation.HARD_SWISH: ops.hard_silu,
  Activation.LOGISTIC: ops.sigmoid,
}
