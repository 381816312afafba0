# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Reads a `.tflite` file into the graph, after checking every part of it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflm_patch.errors import ModelError, printable
from tflm_patch.graph import checks
from tflm_patch.graph.files import read_limited
from tflm_patch.graph.trailer import split_trailer
from tflm_patch.graph.types import DType, Model, Operator, Quantization, Subgraph, Tensor
from tflm_patch.graph.verifier import Malformed, verify

IDENTIFIER = b'TFL3'
OPCODES: dict[int, str] = {
  code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}

# Custom operators that hold commands for an accelerator, and who makes them.
_COMPILERS = {'ethos-u': 'Vela', 'edgetpu-custom-op': 'the Edge TPU compiler'}


def read_model(path: str | os.PathLike[str]) -> Model:
  """Reads a file.

  Raises:
    ModelError: it cannot be read, or is no valid model; one line with the reason.
  """
  return parse_model(read_limited(path), os.fspath(path))


def parse_model(data: bytes, source: str = '') -> Model:
  """Reads a model from bytes; they are not trusted.

  Args:
    data: A `.tflite` file.
    source: Its name for messages.

  Raises:
    ModelError: see `read_model`.
  """
  name = source or 'model'
  if len(data) < 8 or data[4:8] != IDENTIFIER:
    raise ModelError(f'{name}: not a TFLite model (no TFL3 identifier); name a .tflite file')
  try:
    extent = verify(data)
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    model = _model(tree, data, extent.end)
    _refuse_compiled(model, name)
    checks.check_model(model)
  except Malformed as error:
    raise ModelError(f'{name}: damaged model: {error}; export it again') from error
  except checks.Invalid as error:
    raise ModelError(f'{name}: invalid model: {error}; export it again') from error
  model.source = source
  model.file_bytes = len(data)
  return model


def _refuse_compiled(model: Model, name: str) -> None:
  """Raises for a model of which another compiler has made commands for an accelerator."""
  for graph in model.subgraphs:
    for operator in graph.operators:
      if operator.custom_name in _COMPILERS:
        compiler = _COMPILERS[operator.custom_name]
        raise ModelError(
          f'{name}: compiled by {compiler} (operator "{operator.custom_name}"), which left no '
          f'operators to convert; convert the model first, then give the result to {compiler}'
        )


def _model(tree: Any, data: bytes, end: int) -> Model:
  if tree.version != 3:
    raise checks.Invalid(f'schema version {tree.version}, only 3 is known')
  buffers = [_buffer(buffer, data, i) for i, buffer in enumerate(tree.buffers or [])]
  outside = sum(buffer.offset > 1 for buffer in tree.buffers or [])
  outside += sum(
    operator.largeCustomOptionsOffset > 1
    for graph in tree.subgraphs or []
    for operator in graph.operators or []
  )
  metadata = []
  for entry in tree.metadata or []:
    if not 0 <= entry.buffer < len(buffers):
      raise checks.Invalid(f'metadata {_text(entry.name)!r} names buffer {entry.buffer}')
    content = buffers[entry.buffer]
    metadata.append((_text(entry.name), np.zeros(0, np.uint8) if content is None else content))
  return Model(
    subgraphs=[
      _subgraph(graph, tree, buffers, i, data) for i, graph in enumerate(tree.subgraphs or [])
    ],
    description=_text(tree.description),
    metadata=metadata,
    signatures=list(tree.signatureDefs or []),
    origin=tree,
    trailer=b'' if outside else split_trailer(data, end),
    outside=outside,
  )


def _buffer(buffer: Any, data: bytes, index: int) -> np.ndarray | None:
  if buffer.offset > 1:
    # Large models keep their constants behind the flatbuffer.
    if buffer.offset + buffer.size > len(data):
      raise checks.Invalid(f'buffer {index} lies outside the file')
    return np.frombuffer(data, np.uint8, buffer.size, buffer.offset) if buffer.size else None
  if buffer.data is None or len(buffer.data) == 0:
    return None
  return np.asarray(buffer.data, np.uint8)


def _subgraph(
  graph: Any, tree: Any, buffers: list[np.ndarray | None], number: int, data: bytes
) -> Subgraph:
  tensors = [_tensor(tensor, buffers) for tensor in graph.tensors or []]
  codes = tree.operatorCodes or []
  operators = []
  for position, operator in enumerate(graph.operators or []):
    if not 0 <= operator.opcodeIndex < len(codes):
      raise checks.Invalid(
        f'operator {position} of subgraph {number} names operator code {operator.opcodeIndex}'
      )
    operators.append(_operator(operator, codes[operator.opcodeIndex], data))
  return Subgraph(
    tensors=tensors,
    operators=operators,
    inputs=_indices(graph.inputs),
    outputs=_indices(graph.outputs),
    name=name_of(graph),
    origin=graph,
  )


def _tensor(tensor: Any, buffers: list[np.ndarray | None]) -> Tensor:
  name = name_of(tensor)
  if not 0 <= tensor.buffer < max(len(buffers), 1):
    raise checks.Invalid(f'tensor "{name}" names buffer {tensor.buffer}')
  try:
    dtype = DType(tensor.type)
  except ValueError as error:
    raise checks.Invalid(f'tensor "{name}" has unknown type {tensor.type}') from error
  return Tensor(
    name=name,
    shape=_indices(tensor.shape),
    dtype=dtype,
    data=buffers[tensor.buffer] if buffers else None,
    quantization=_quantization(tensor.quantization, name),
    is_variable=bool(tensor.isVariable),
    origin=tensor,
  )


def _quantization(origin: Any, name: str) -> Quantization | None:
  if origin is None or origin.scale is None or len(origin.scale) == 0:
    return None
  # TFLM takes a tensor without zero points as not quantized, whatever its scales.
  if origin.zeroPoint is None or len(origin.zeroPoint) == 0:
    return None
  scales = np.asarray(origin.scale, np.float32)
  zero_points = np.asarray(origin.zeroPoint, np.int64)
  if zero_points.size == 1 < scales.size:
    zero_points = np.repeat(zero_points, scales.size)
  if zero_points.size != scales.size:
    raise checks.Invalid(
      f'tensor "{name}" has {scales.size} scales but {zero_points.size} zero points'
    )
  return Quantization(scales, zero_points, int(origin.quantizedDimension))


def _operator(operator: Any, code: Any, data: bytes) -> Operator:
  # Older files have the code in the deprecated byte only.
  number = max(code.builtinCode, code.deprecatedBuiltinCode)
  opcode = OPCODES.get(number, f'BUILTIN_{number}')
  custom = operator.customOptions
  at, size = operator.largeCustomOptionsOffset, operator.largeCustomOptionsSize
  if at > 1:
    if at + size > len(data):
      raise checks.Invalid(f'custom options of an operator ({opcode}) lie outside the file')
    custom = np.frombuffer(data, np.uint8, size, at)
  custom_name = _text(code.customCode)
  if not custom_name.isprintable():
    raise checks.Invalid(f'an operator has the name {custom_name!r}')
  return Operator(
    opcode=opcode,
    inputs=_indices(operator.inputs),
    outputs=_indices(operator.outputs),
    options=operator.builtinOptions,
    custom_name=custom_name if opcode == 'CUSTOM' else None,
    custom_options=b'' if custom is None else bytes(bytearray(custom)),
    version=int(code.version),
    origin=operator,
  )


def _indices(values: Any) -> tuple[int, ...]:
  return () if values is None else tuple(int(value) for value in values)


def name_of(origin: Any) -> str:
  """The name of a tensor or subgraph, for people: what cannot be printed is escaped.

  The writer puts the original bytes back.
  """
  return printable(_text(origin.name))


def _text(value: bytes | str | None) -> str:
  if value is None:
    return ''
  return value if isinstance(value, str) else value.decode('utf-8', 'backslashreplace')
