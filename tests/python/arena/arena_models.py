# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Flatbuffers of small models, made tensor by tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

INT8, INT16, INT32, FLOAT32 = (
  schema.TensorType.INT8,
  schema.TensorType.INT16,
  schema.TensorType.INT32,
  schema.TensorType.FLOAT32,
)
INT4, INT64, BOOL, RESOURCE = (
  schema.TensorType.INT4,
  schema.TensorType.INT64,
  schema.TensorType.BOOL,
  schema.TensorType.RESOURCE,
)
_TYPES = {
  np.dtype('int8'): INT8,
  np.dtype('int16'): INT16,
  np.dtype('int32'): INT32,
  np.dtype('int64'): INT64,
  np.dtype('float32'): FLOAT32,
  np.dtype('bool'): BOOL,
}


class SmallModel:
  """A model under construction; tensors and operators go to the last subgraph."""

  def __init__(self) -> None:
    self._model = schema.ModelT()
    self._model.version = 3
    self._model.description = 'small'
    self._model.subgraphs = []
    self._model.operatorCodes = []
    self._model.buffers = [schema.BufferT()]
    self._model.metadata = []
    self._codes: dict[tuple[str, str | None], int] = {}
    self.add_subgraph()

  def add_subgraph(self) -> int:
    self._graph = schema.SubGraphT()
    self._graph.tensors, self._graph.operators = [], []
    self._graph.inputs, self._graph.outputs = [], []
    self._model.subgraphs.append(self._graph)
    return len(self._model.subgraphs) - 1

  def tensor(
    self,
    shape: Sequence[int],
    dtype: int = INT8,
    scales: Sequence[float] | None = None,
    zero_point: int | None = 0,
    axis: int = 0,
    variable: bool = False,
    data: bytes | None = None,
  ) -> int:
    """A tensor; without `scales`, one of a small integer type has the scale 0.5.

    A zero point of None leaves the zero points out.
    """
    tensor = schema.TensorT()
    tensor.shape = list(shape)
    tensor.type = dtype
    tensor.name = f't{len(self._graph.tensors)}'
    tensor.isVariable = variable
    if scales is None and dtype in (INT4, INT8, INT16):
      scales = (0.5,)
    if scales:
      tensor.quantization = schema.QuantizationParametersT()
      tensor.quantization.scale = list(scales)
      if zero_point is not None:
        tensor.quantization.zeroPoint = [zero_point] * len(scales)
      tensor.quantization.quantizedDimension = axis
    tensor.buffer = 0 if data is None else self._buffer(data)
    self._graph.tensors.append(tensor)
    return len(self._graph.tensors) - 1

  def constant(self, values: Any, dtype: str = 'int32', **kwargs: Any) -> int:
    array = np.asarray(values, dtype)
    return self.tensor(array.shape, _TYPES[array.dtype], data=array.tobytes(), **kwargs)

  def op(
    self,
    opcode: str,
    inputs: Sequence[int],
    outputs: Sequence[int],
    options: tuple[str, dict[str, Any]] | None = None,
    custom: str | None = None,
    custom_options: bytes | None = None,
  ) -> None:
    """An operator; `options` are the name of their table and its fields."""
    op = schema.OperatorT()
    op.opcodeIndex = self._code(opcode, custom)
    op.inputs, op.outputs = list(inputs), list(outputs)
    if options is not None:
      name, fields = options
      op.builtinOptionsType = getattr(schema.BuiltinOptions, name)
      op.builtinOptions = getattr(schema, name + 'T')()
      for field, value in fields.items():
        assert hasattr(op.builtinOptions, field), (name, field)
        setattr(op.builtinOptions, field, value)
    if custom_options is not None:
      op.customOptions = list(custom_options)
    self._graph.operators.append(op)

  def interface(self, inputs: Sequence[int], outputs: Sequence[int]) -> None:
    self._graph.inputs, self._graph.outputs = list(inputs), list(outputs)

  def metadata(self, name: str, data: bytes) -> None:
    entry = schema.MetadataT()
    entry.name, entry.buffer = name, self._buffer(data)
    self._model.metadata.append(entry)

  def build(self) -> bytes:
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(self._model.Pack(builder), file_identifier=b'TFL3')
    return bytes(builder.Output())

  def _buffer(self, data: bytes) -> int:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(data, np.uint8)
    self._model.buffers.append(buffer)
    return len(self._model.buffers) - 1

  def _code(self, opcode: str, custom: str | None) -> int:
    key = (opcode, custom)
    if key not in self._codes:
      code = schema.OperatorCodeT()
      code.builtinCode = getattr(schema.BuiltinOperator, opcode)
      code.deprecatedBuiltinCode = min(code.builtinCode, 127)
      code.customCode = custom
      code.version = 1
      self._model.operatorCodes.append(code)
      self._codes[key] = len(self._model.operatorCodes) - 1
    return self._codes[key]
