# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The layers of a spec: operators with shapes and quantization, without tensors.

Values are numbered: 0 is the network's input, i + 1 is made by layer i. Layers are
hashable, so that what is known of one is known of every equal one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from tflm_patch.architecture.spec import Activation, Padding, Pair, SpecError

Shape = tuple[int, ...]  # as in the graph: (1, rows, columns, channels) or (1, units)

MAX_WEIGHTS = 1 << 27  # of a layer, in bytes: more than any chip's flash
MAX_VALUES = 1 << 28  # of a feature map, in bytes


@dataclasses.dataclass(frozen=True)
class Value:
  """What flows between layers.

  Attributes:
    shape: Of the tensor.
    quantity: What its quantization must suit: 'input', 'linear', 'relu', 'relu6',
      'hswish', 'sigmoid' or 'softmax'.
    like: The number of the value whose scale and zero point it has, None for its own.
  """

  shape: Shape
  quantity: str
  like: int | None = None

  @property
  def channels(self) -> int:
    return self.shape[-1]

  @property
  def size(self) -> Pair:
    """Rows and columns; (1, 1) of a vector."""
    return (self.shape[1], self.shape[2]) if len(self.shape) == 4 else (1, 1)


@dataclasses.dataclass(frozen=True)
class Layer:
  """An operator of TFLite.

  Attributes:
    opcode: Name in the schema.
    inputs: Values it reads.
    output: What it makes.
    kernel, stride: Of a window; (1, 1) for others.
    padding: Of a window.
    activation: Fused: NONE, RELU or RELU6.
    keep_dims: Of a MEAN: the output is (1, 1, 1, channels).
  """

  opcode: str
  inputs: tuple[int, ...]
  output: Value
  kernel: Pair = (1, 1)
  stride: Pair = (1, 1)
  padding: Padding = Padding.SAME
  activation: Activation = Activation.NONE
  keep_dims: bool = False


_FUSED = (Activation.NONE, Activation.RELU, Activation.RELU6)


class LayerBuilder:
  """Appends layers; blocks and heads use it.

  Attributes:
    part: The part of the spec that is being built, for messages.
  """

  def __init__(self, input_shape: Shape) -> None:
    self.values = [Value(input_shape, 'input')]
    self.layers: list[Layer] = []
    self.part = ''

  def error(self, problem: str) -> SpecError:
    """An error that quotes the part of the spec that is being built."""
    return SpecError(f'"{self.part}": {problem}' if self.part else problem)

  def channels(self, x: int) -> int:
    return self.values[x].channels

  def size(self, x: int) -> Pair:
    return self.values[x].size

  # ---- layers with weights ----

  def conv(
    self,
    x: int,
    channels: int,
    kernel: Pair = (1, 1),
    stride: Pair = (1, 1),
    padding: Padding = Padding.SAME,
    activation: Activation = Activation.NONE,
  ) -> int:
    """CONV_2D and its activation."""
    self._weights(channels * kernel[0] * kernel[1] * self.channels(x), channels)
    size = self._window(x, kernel, stride, padding)
    return self._with_activation(
      'CONV_2D', x, (1, *size, channels), activation, kernel, stride, padding
    )

  def depthwise(
    self, x: int, kernel: Pair, stride: Pair, padding: Padding, activation: Activation
  ) -> int:
    """DEPTHWISE_CONV_2D of multiplier 1 and its activation."""
    channels = self.channels(x)
    self._weights(channels * kernel[0] * kernel[1], channels)
    size = self._window(x, kernel, stride, padding)
    return self._with_activation(
      'DEPTHWISE_CONV_2D', x, (1, *size, channels), activation, kernel, stride, padding
    )

  def fully_connected(self, x: int, units: int, activation: Activation = Activation.NONE) -> int:
    """FULLY_CONNECTED of a vector and its activation."""
    self._weights(units * self.channels(x), units)
    return self._with_activation('FULLY_CONNECTED', x, (1, units), activation)

  # ---- others ----

  def pool(self, opcode: str, x: int, kernel: Pair, stride: Pair, padding: Padding) -> int:
    """AVERAGE_POOL_2D or MAX_POOL_2D; keeps the scale of its input."""
    size = self._window(x, kernel, stride, padding)
    value = Value((1, *size, self.channels(x)), self.values[x].quantity, self._scale_of(x))
    return self._append(Layer(opcode, (x,), value, kernel, stride, padding))

  def mean(self, x: int, keep_dims: bool = False) -> int:
    """MEAN over rows and columns."""
    channels = self.channels(x)
    shape = (1, 1, 1, channels) if keep_dims else (1, channels)
    value = Value(shape, self.values[x].quantity)
    return self._append(Layer('MEAN', (x,), value, keep_dims=keep_dims))

  def flatten(self, x: int) -> int:
    """RESHAPE to a vector; x itself when it is one."""
    shape = self.values[x].shape
    if len(shape) == 2:
      return x
    value = Value((1, math.prod(shape)), self.values[x].quantity, self._scale_of(x))
    return self._append(Layer('RESHAPE', (x,), value))

  def add(self, x: int, y: int, activation: Activation = Activation.NONE) -> int:
    """ADD of two maps of one shape, and its activation."""
    return self._two('ADD', x, y, activation)

  def multiply(self, x: int, y: int) -> int:
    """MUL; y may have one row and column."""
    return self._two('MUL', x, y, Activation.NONE)

  def softmax(self, x: int) -> int:
    return self._append(Layer('SOFTMAX', (x,), Value(self.values[x].shape, 'softmax')))

  def logistic(self, x: int) -> int:
    return self._append(Layer('LOGISTIC', (x,), Value(self.values[x].shape, 'sigmoid')))

  # ---- inside ----

  def _scale_of(self, x: int) -> int:
    like = self.values[x].like
    return x if like is None else like

  def _two(self, opcode: str, x: int, y: int, activation: Activation) -> int:
    fused = activation if activation in _FUSED else Activation.NONE
    made = self._append(
      Layer(opcode, (x, y), Value(self.values[x].shape, fused.value), activation=fused)
    )
    return self._activate(made, activation)

  def _with_activation(
    self,
    opcode: str,
    x: int,
    shape: Shape,
    activation: Activation,
    kernel: Pair = (1, 1),
    stride: Pair = (1, 1),
    padding: Padding = Padding.SAME,
  ) -> int:
    fused = activation if activation in _FUSED else Activation.NONE
    value = Value(shape, fused.value)
    made = self._append(Layer(opcode, (x,), value, kernel, stride, padding, fused))
    return self._activate(made, activation)

  def _activate(self, x: int, activation: Activation) -> int:
    if activation is Activation.HARD_SWISH:
      return self._append(Layer('HARD_SWISH', (x,), Value(self.values[x].shape, 'hswish')))
    return self.logistic(x) if activation is Activation.LOGISTIC else x

  def _append(self, layer: Layer) -> int:
    if math.prod(layer.output.shape) > MAX_VALUES:
      size = 'x'.join(map(str, layer.output.shape[1:]))
      raise self.error(f'a feature map of {size} values is more than any chip holds')
    self.layers.append(layer)
    self.values.append(layer.output)
    return len(self.values) - 1

  def _weights(self, count: int, channels: int) -> None:
    if channels < 1:
      raise self.error('has no channels; give c1 or more')
    if count > MAX_WEIGHTS:
      raise self.error(f'{count:,} weights in one layer are more than any chip holds')

  def _window(self, x: int, kernel: Pair, stride: Pair, padding: Padding) -> Pair:
    size = self.size(x)
    for axis, length in enumerate(size):
      if stride[axis] > length:
        raise self.error(f'stride {stride[axis]} is larger than the map of {_by(size)}')
      if padding is Padding.VALID and kernel[axis] > length:
        raise self.error(f'kernel {kernel[axis]} is larger than the map of {_by(size)}')
    if padding is Padding.SAME:
      return -(-size[0] // stride[0]), -(-size[1] // stride[1])
    return (size[0] - kernel[0]) // stride[0] + 1, (size[1] - kernel[1]) // stride[1] + 1


def _by(size: Sequence[int]) -> str:
  return 'x'.join(map(str, size))
