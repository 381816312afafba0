# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From a spec to the int8 graph that a converter would write, with zeros for weights.

Plans depend on shapes, and hardly on scales, but not on weights: all weights are
slices of one buffer of zeros. Scales follow TFLite's rules: weights per channel, biases
in the scale of their sums, pools and reshapes keep the scale of their input, SOFTMAX
and LOGISTIC have 1/256.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, Protocol

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflm_patch.architecture.layers import Layer, Value
from tflm_patch.architecture.network import Network, network_of
from tflm_patch.architecture.spec import Activation, Padding, Spec
from tflm_patch.graph.types import DType, Model, Operator, Quantization, Subgraph, Tensor

_FUSED = {Activation.NONE: 0, Activation.RELU: 1, Activation.RELU6: 3}
_PADDING = {Padding.SAME: 0, Padding.VALID: 1}
_VERSIONS = {
  'CONV_2D': 3,
  'DEPTHWISE_CONV_2D': 3,
  'FULLY_CONNECTED': 4,
  'ADD': 2,
  'MUL': 2,
  'MEAN': 2,
  'AVERAGE_POOL_2D': 2,
  'MAX_POOL_2D': 2,
  'SOFTMAX': 2,
  'LOGISTIC': 2,
}
_WEIGHT_DEVIATIONS = 2.5  # of a normal distribution within the range of the weights


_PLAUSIBLE = {
  'input': (1 / 127.5, -1),
  'linear': (16 / 255, 0),
  'relu': (6 / 255, -128),
  'relu6': (6 / 255, -128),
  'hswish': (6.375 / 255, -113),
  'sigmoid': (1 / 256, -128),
  'softmax': (1 / 256, -128),
}


class Scales(Protocol):
  """Chooses quantization; see `PlausibleScales` and `RandomScales`."""

  def activation(self, quantity: str) -> tuple[float, int]:
    """Scale and zero point of a tensor of a quantity, see `layers.Value`."""

  def weights(self, channels: int, taps: int) -> np.ndarray:
    """Scales float32[channels] of weights of `taps` values each."""


class PlausibleScales:
  """Scales as trained networks with batch normalization have them, always the same."""

  def activation(self, quantity: str) -> tuple[float, int]:
    return _PLAUSIBLE[quantity]

  def weights(self, channels: int, taps: int) -> np.ndarray:
    return _weight_scales(channels, taps)


class RandomScales:
  """Scales that vary as those of trained networks do.

  Args:
    seed: Of the random numbers.
  """

  def __init__(self, seed: int) -> None:
    self._rng = np.random.default_rng(seed)

  def activation(self, quantity: str) -> tuple[float, int]:
    if quantity in ('sigmoid', 'softmax'):
      return 1 / 256, -128
    width = float(np.exp(self._rng.normal(0.0, 0.7)))
    if quantity in ('relu', 'relu6'):
      return width * 6 / 255, -128
    return width * 12 / 255, int(self._rng.integers(-60, 61))

  def weights(self, channels: int, taps: int) -> np.ndarray:
    spread = np.exp(self._rng.normal(0.0, 0.5, channels))
    return (_weight_scales(channels, taps) * spread).astype(np.float32)


def to_graph(spec: Spec, scales: Scales | None = None) -> Model:
  """The int8 graph of a spec.

  Args:
    spec: The architecture.
    scales: The quantization; plausible scales, always the same, when None.

  Raises:
    SpecError: the spec cannot exist.
  """
  return graph_of(network_of(spec), scales or PlausibleScales())


def graph_of(network: Network, scales: Scales) -> Model:
  """The int8 graph of layers."""
  builder = _GraphBuilder(scales)
  builder.activation(network.input, 'input')
  for number, layer in enumerate(network.layers()):
    builder.add(layer, f'{layer.opcode.lower()}_{number}')
  outputs = tuple(builder.tensor_of[value] for value in network.outputs)
  main = Subgraph(builder.tensors, builder.operators, (0,), outputs, name='main')
  return Model([main], description='tflm-patch spec')


class _GraphBuilder:
  """Collects tensors and operators."""

  def __init__(self, scales: Scales) -> None:
    self._scales = scales
    self.tensors: list[Tensor] = []
    self.operators: list[Operator] = []
    self.tensor_of: list[int] = []  # of each value

  def activation(self, value: Value, name: str) -> int:
    if value.like is None:
      quantization = per_tensor(*self._scales.activation(value.quantity))
    else:
      known = self.tensors[self.tensor_of[value.like]].quantization
      assert known is not None
      quantization = known
    self.tensors.append(Tensor(name, value.shape, DType.INT8, quantization=quantization))
    self.tensor_of.append(len(self.tensors) - 1)
    return self.tensor_of[-1]

  def add(self, layer: Layer, name: str) -> None:
    inputs = [self.tensor_of[value] for value in layer.inputs]
    inputs += _CONSTANTS.get(layer.opcode, _no_constants)(self, layer, inputs, name)
    output = self.activation(layer.output, name)
    self.operators.append(
      Operator(
        layer.opcode,
        tuple(inputs),
        (output,),
        options=options_of(layer),
        version=_VERSIONS.get(layer.opcode, 1),
      )
    )

  def weights(self, source: int, shape: tuple[int, ...], axis: int, name: str) -> list[int]:
    """Weights and bias."""
    channels = shape[axis]
    taps = int(np.prod(shape)) // channels
    scales = self._scales.weights(channels, taps)
    known = self.tensors[source].quantization
    assert known is not None
    zeros = _zero_points(channels)
    return [
      self._constant(f'{name}/weights', shape, DType.INT8, Quantization(scales, zeros, axis)),
      self._constant(
        f'{name}/bias',
        (channels,),
        DType.INT32,
        Quantization((scales * np.float32(known.scale)).astype(np.float32), zeros, 0),
      ),
    ]

  def int32(self, values: tuple[int, ...], name: str) -> list[int]:
    data = np.frombuffer(np.array(values, np.int32).tobytes(), np.uint8)
    self.tensors.append(Tensor(name, (len(values),), DType.INT32, data=data))
    return [len(self.tensors) - 1]

  def channels(self, tensor: int) -> int:
    return self.tensors[tensor].shape[-1]

  def _constant(
    self, name: str, shape: tuple[int, ...], dtype: DType, quantization: Quantization
  ) -> int:
    tensor = Tensor(name, shape, dtype, quantization=quantization)
    tensor.data = zeros(tensor.bytes)
    self.tensors.append(tensor)
    return len(self.tensors) - 1


def _no_constants(builder: _GraphBuilder, layer: Layer, inputs: list[int], name: str) -> list[int]:
  del builder, layer, inputs, name
  return []


def _conv(builder: _GraphBuilder, layer: Layer, inputs: list[int], name: str) -> list[int]:
  shape = (layer.output.channels, *layer.kernel, builder.channels(inputs[0]))
  return builder.weights(inputs[0], shape, 0, name)


def _depthwise(builder: _GraphBuilder, layer: Layer, inputs: list[int], name: str) -> list[int]:
  return builder.weights(inputs[0], (1, *layer.kernel, layer.output.channels), 3, name)


def _dense(builder: _GraphBuilder, layer: Layer, inputs: list[int], name: str) -> list[int]:
  shape = (layer.output.channels, builder.channels(inputs[0]))
  return builder.weights(inputs[0], shape, 0, name)


def _axes(builder: _GraphBuilder, layer: Layer, inputs: list[int], name: str) -> list[int]:
  del layer, inputs
  return builder.int32((1, 2), f'{name}/axes')


def _shape(builder: _GraphBuilder, layer: Layer, inputs: list[int], name: str) -> list[int]:
  del inputs
  return builder.int32(layer.output.shape, f'{name}/shape')


_CONSTANTS = {
  'CONV_2D': _conv,
  'DEPTHWISE_CONV_2D': _depthwise,
  'FULLY_CONNECTED': _dense,
  'MEAN': _axes,
  'RESHAPE': _shape,
}


def options_of(layer: Layer) -> Any:
  """The builtin options of a layer."""
  stride = {'strideH': layer.stride[0], 'strideW': layer.stride[1]}
  fused = {'fusedActivationFunction': _FUSED[layer.activation]}
  window = {**stride, **fused, 'padding': _PADDING[layer.padding]}
  filters = {'filterHeight': layer.kernel[0], 'filterWidth': layer.kernel[1]}
  table: dict[str, tuple[str, dict[str, Any]]] = {
    'CONV_2D': ('Conv2DOptionsT', window),
    'DEPTHWISE_CONV_2D': ('DepthwiseConv2DOptionsT', {**window, 'depthMultiplier': 1}),
    'FULLY_CONNECTED': ('FullyConnectedOptionsT', fused),
    'AVERAGE_POOL_2D': ('Pool2DOptionsT', {**window, **filters}),
    'MAX_POOL_2D': ('Pool2DOptionsT', {**window, **filters}),
    'ADD': ('AddOptionsT', fused),
    'MUL': ('MulOptionsT', fused),
    'MEAN': ('ReducerOptionsT', {'keepDims': layer.keep_dims}),
    'RESHAPE': ('ReshapeOptionsT', {'newShape': list(layer.output.shape)}),
    'SOFTMAX': ('SoftmaxOptionsT', {'beta': 1.0}),
    'HARD_SWISH': ('HardSwishOptionsT', {}),
  }
  if layer.opcode not in table:
    return None
  name, fields = table[layer.opcode]
  options = getattr(schema, name)()
  for field, value in fields.items():
    setattr(options, field, value)
  return options


def per_tensor(scale: float, zero_point: int) -> Quantization:
  """Quantization of an activation."""
  return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int64))


# More than most models have; the system gives memory to what is read alone.
_zeros = np.zeros(1 << 24, np.uint8)
_zeros.flags.writeable = False


def zeros(size: int) -> np.ndarray:
  """Bytes of zeros; all of them lie in one buffer, which nobody writes."""
  global _zeros
  if _zeros.size < size:
    _zeros = np.zeros(2 * size, np.uint8)
    _zeros.flags.writeable = False
  return _zeros[:size]


@functools.lru_cache(maxsize=4096)
def _zero_points(channels: int) -> np.ndarray:
  return np.zeros(channels, np.int64)


@functools.lru_cache(maxsize=4096)
def _weight_scales(channels: int, taps: int) -> np.ndarray:
  """Of weights with the variance that He's initialization gives them."""
  scale = _WEIGHT_DEVIATIONS * np.sqrt(2 / max(1, taps)) / 127
  return np.full(channels, scale, np.float32)


def with_random_weights(model: Model, seed: int) -> Model:
  """A copy of a model whose int8 and int32 weights are random; plans are the same.

  Files are then as large as those of trained networks: equal constants, which zeros
  are, are stored once.
  """
  rng = np.random.default_rng(seed)

  def filled(tensor: Tensor) -> Tensor:
    if tensor.data is None or tensor.quantization is None:
      return tensor
    assert tensor.dtype.numpy is not None
    high = 128 if tensor.dtype == DType.INT8 else 2000
    values = rng.integers(-high + 1, high, tensor.elements).astype(tensor.dtype.numpy)
    return dataclasses.replace(tensor, data=np.frombuffer(values.tobytes(), np.uint8))

  main = dataclasses.replace(model.main, tensors=[filled(each) for each in model.main.tensors])
  return dataclasses.replace(model, subgraphs=[main, *model.subgraphs[1:]])
