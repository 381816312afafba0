# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From the float network and its scales to the int8 graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.graph.builder import GraphBuilder, options_of, per_tensor
from tflm_patch.graph.types import DType, Model, Quantization
from tflm_patch.quantization.network import Network, Node, Value
from tflm_patch.quantization.operators.weights import quantize_weights
from tflm_patch.quantization.options import QuantizeOptions

DESCRIPTION = 'tflm-patch quantize'

# Of operators with int16 activations, where they differ from those of int8.
_INT16_VERSIONS = {
  'ADD': 3,
  'AVERAGE_POOL_2D': 3,
  'CONCATENATION': 3,
  'CONV_2D': 4,
  'DEPTHWISE_CONV_2D': 5,
  'FULLY_CONNECTED': 7,
  'LOGISTIC': 3,
  'MAX_POOL_2D': 3,
  'MEAN': 3,
  'MUL': 4,
  'PAD': 4,
  'SOFTMAX': 3,
  'SUB': 5,
  'TANH': 3,
  'TRANSPOSE_CONV': 4,
}


class Emitter:
  """Appends tensors and operators to a graph; operations call it.

  Attributes:
    builder: Of the graph.
  """

  def __init__(
    self, network: Network, scales: dict[Value, Quantization], options: QuantizeOptions
  ) -> None:
    self.builder = GraphBuilder()
    self._network = network
    self._scales = scales
    self._options = options
    self._tensor_of: dict[Value, int] = {}
    self._indices = network.indices()

  def run(self) -> Model:
    """The model.

    Inputs come first among the tensors; a type of input or output that is not the
    activations' gets a QUANTIZE or DEQUANTIZE.
    """
    input_type, output_type = self._options.io_types
    inputs = [self._input(value, input_type) for value in self._network.inputs]
    for value, outside in zip(self._network.inputs, inputs):
      if outside != self._tensor_of[value]:
        self._convert(outside, self._tensor_of[value])
    for node in self._network.nodes:
      node.operation.emit(self, node)
    outputs = [self._output(value, output_type) for value in self._network.outputs]
    return self.builder.model(inputs, outputs, DESCRIPTION)

  # What operations use.

  def tensor(self, value: Value) -> int:
    """The tensor of a value; constants become tensors when they are first asked for."""
    if value not in self._tensor_of:
      assert value.constant is not None, f'"{value.name}" is not computed'
      self._tensor_of[value] = self._constant(value)
    return self._tensor_of[value]

  def quantization(self, value: Value) -> Quantization:
    """Of a value's tensor."""
    return self._scales[value]

  @property
  def dtype(self) -> DType:
    """Of the activations."""
    return self._options.dtype

  def weights(
    self, node: Node, weights: np.ndarray, axis: int, bias: np.ndarray
  ) -> tuple[int, int]:
    """Tensors of weights, as the operator stores them, and of its bias."""
    is_int16 = self._options.dtype == DType.INT16
    source = self._scales[node.input]
    quantized = quantize_weights(
      weights, bias, axis, source.scale, self._options.per_channel, is_int16
    )
    zeros = np.zeros(quantized.scales.size, np.int64)
    products = (quantized.scales * np.float32(source.scale)).astype(np.float32)
    return (
      self.builder.constant(
        f'{node.name}/weights',
        quantized.weights,
        DType.INT8,
        Quantization(quantized.scales, zeros, axis),
      ),
      self.builder.constant(
        f'{node.name}/bias',
        quantized.bias,
        DType.INT64 if is_int16 else DType.INT32,
        Quantization(products, zeros, 0),
      ),
    )

  def operator(
    self,
    node: Node,
    inputs: Sequence[int],
    options: Any,
    opcode: str | None = None,
    intermediates: Sequence[int] = (),
  ) -> None:
    """Appends the operator of a node, and its output."""
    name = opcode or node.operation.opcode
    value = node.output
    self._tensor_of[value] = self.builder.tensor(
      node.name, value.shape, self._options.dtype, self._scales[value]
    )
    version = _INT16_VERSIONS.get(name) if self._options.dtype == DType.INT16 else None
    self.builder.operator(name, inputs, self._tensor_of[value], options, version, intermediates)

  # Inside.

  def _constant(self, value: Value) -> int:
    assert value.constant is not None
    quantization = self._scales[value]
    info = np.iinfo(self._options.dtype.numpy or np.int8)
    steps = np.rint(value.constant / quantization.scale) + quantization.zero_point
    values = np.clip(steps, info.min, info.max)
    return self.builder.constant(value.name, values, self._options.dtype, quantization)

  def _input(self, value: Value, dtype: DType) -> int:
    """An input of the model; what the network reads is in `_tensor_of`."""
    if value in self._indices:
      self._tensor_of[value] = self.builder.tensor(value.name, value.shape, DType.INT32)
      return self._tensor_of[value]
    inside = self._scales[value]
    if dtype == self._options.dtype:
      self._tensor_of[value] = self.builder.tensor(value.name, value.shape, dtype, inside)
      return self._tensor_of[value]
    outside = self.builder.tensor(value.name, value.shape, dtype, _outside(inside, dtype))
    self._tensor_of[value] = self.builder.tensor(
      f'{value.name}/{self._options.activations}', value.shape, self._options.dtype, inside
    )
    return outside

  def _output(self, value: Value, dtype: DType) -> int:
    if dtype == self._options.dtype:
      return self.tensor(value)
    outside = self.builder.tensor(
      f'{value.name}/{dtype.name.lower()}', value.shape, dtype, _outside(self._scales[value], dtype)
    )
    self._convert(self.tensor(value), outside)
    return outside

  def _convert(self, source: int, target: int) -> None:
    if self.builder.tensors[target].dtype == DType.FLOAT32:
      self.builder.operator('DEQUANTIZE', [source], target, options_of('DequantizeOptions'))
    else:
      self.builder.operator('QUANTIZE', [source], target, options_of('QuantizeOptions'))


def _outside(inside: Quantization, dtype: DType) -> Quantization | None:
  """The quantization of an input or output of another type."""
  if dtype == DType.FLOAT32:
    return None
  return per_tensor(inside.scale, inside.zero_point + 128)  # uint8
