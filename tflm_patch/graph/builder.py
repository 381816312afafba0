# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Builds a graph: tensors, constants and operators of one subgraph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflm_patch.graph.types import DType, Model, Operator, Quantization, Subgraph, Tensor

# Of operators with 8-bit tensors, as TensorFlow's converter writes them; 1 for the others.
VERSIONS = {
  'ADD': 2,
  'AVERAGE_POOL_2D': 2,
  'CONCATENATION': 2,
  'CONV_2D': 3,
  'DEPTHWISE_CONV_2D': 3,
  'DEQUANTIZE': 2,
  'FULLY_CONNECTED': 4,
  'LEAKY_RELU': 2,
  'LOGISTIC': 2,
  'MAXIMUM': 2,
  'MAX_POOL_2D': 2,
  'MEAN': 2,
  'MINIMUM': 2,
  'MUL': 2,
  'PAD': 2,
  'RELU': 2,
  'RESIZE_BILINEAR': 3,
  'RESIZE_NEAREST_NEIGHBOR': 3,
  'SOFTMAX': 2,
  'STRIDED_SLICE': 2,
  'SUB': 2,
  'TANH': 2,
  'TRANSPOSE': 2,
  'TRANSPOSE_CONV': 3,
}


class GraphBuilder:
  """Collects tensors and operators; tensors are named by their index.

  Attributes:
    tensors: As in `Subgraph`.
    operators: In execution order.
  """

  def __init__(self) -> None:
    self.tensors: list[Tensor] = []
    self.operators: list[Operator] = []

  def tensor(
    self, name: str, shape: Sequence[int], dtype: DType, quantization: Quantization | None = None
  ) -> int:
    """A tensor that is computed, or an input of the model."""
    self.tensors.append(Tensor(name, tuple(shape), dtype, quantization=quantization))
    return len(self.tensors) - 1

  def constant(
    self, name: str, values: np.ndarray, dtype: DType, quantization: Quantization | None = None
  ) -> int:
    """A constant of the array's shape.

    Raises:
      ValueError: a value is not representable in the type.
    """
    array = np.ascontiguousarray(values, dtype.numpy)
    if not np.array_equal(array, values):
      raise ValueError(f'"{name}" has values that {dtype.name} cannot hold')
    index = self.tensor(name, array.shape, dtype, quantization)
    self.tensors[index].data = np.frombuffer(array.tobytes(), np.uint8)
    return index

  def variable(
    self, name: str, shape: Sequence[int], dtype: DType, quantization: Quantization
  ) -> int:
    """A tensor that keeps its value between invocations."""
    index = self.tensor(name, shape, dtype, quantization)
    self.tensors[index].is_variable = True
    return index

  def int32(self, name: str, values: Any) -> int:
    """A constant of sizes, axes or paddings."""
    return self.constant(name, np.asarray(values, np.int64), DType.INT32)

  def operator(
    self,
    opcode: str,
    inputs: Sequence[int],
    outputs: int | Sequence[int],
    options: Any = None,
    version: int | None = None,
    intermediates: Sequence[int] = (),
  ) -> None:
    """Appends an operator.

    Args:
      opcode: Name in the schema.
      inputs: Tensors, -1 for an absent one.
      outputs: One tensor or several.
      options: The schema's options object, see `options_of`.
      version: `VERSIONS` says it when it is left out.
      intermediates: Tensors that an LSTM's scales are in.
    """
    origin = None
    if intermediates:
      origin = schema.OperatorT(intermediates=np.array(intermediates, np.int32))
    results = (outputs,) if isinstance(outputs, int) else tuple(outputs)
    self.operators.append(
      Operator(
        opcode,
        tuple(inputs),
        results,
        options=options,
        version=VERSIONS.get(opcode, 1) if version is None else version,
        origin=origin,
      )
    )

  def model(self, inputs: Sequence[int], outputs: Sequence[int], description: str = '') -> Model:
    """The model of one subgraph."""
    main = Subgraph(self.tensors, self.operators, tuple(inputs), tuple(outputs), name='main')
    return Model([main], description=description)


def per_tensor(scale: float, zero_point: int) -> Quantization:
  """Quantization of a whole tensor."""
  return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int64))


def per_channel(scales: np.ndarray, axis: int) -> Quantization:
  """Symmetric quantization of every slice of a dimension."""
  scales = np.asarray(scales, np.float32)
  return Quantization(scales, np.zeros(scales.size, np.int64), axis)


def options_of(table: str, **fields: Any) -> Any:
  """An options object of the schema: `options_of('SoftmaxOptions', beta=1.0)`.

  Raises:
    AttributeError: the table has no such field.
  """
  result = getattr(schema, table + 'T')()
  for name, value in fields.items():
    if not hasattr(result, name):
      raise AttributeError(f'{table} has no {name}')
    setattr(result, name, value)
  return result
