# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Writes the graph as a `.tflite` flatbuffer."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflm_patch.graph.reader import IDENTIFIER, OPCODES, name_of
from tflm_patch.graph.trailer import place_trailer
from tflm_patch.graph.types import Model, Operator, Quantization, Subgraph, Tensor

ALIGNMENT = 16
OFFLINE_PLAN = 'OfflineMemoryAllocation'
# Metadata that counts operators or tensors; void once they change.
_POSITIONAL_METADATA = (OFFLINE_PLAN, 'model_control_dependencies')
_CODES = {name: code for code, name in OPCODES.items()}
_PLACEHOLDER = 127  # what the deprecated code byte holds for codes above it
_EMPTY = np.zeros(0, np.uint8)


def serialize_model(model: Model) -> bytes:
  """The model as a file: constants 16-byte aligned, equal ones stored once.

  Raises:
    ValueError: an operator outside a stage has explicit padding, which TFLite
      cannot express.
  """
  writer = _Writer(model)
  return writer.run()


def drop_offline_plan(model: Model) -> Model:
  """Without metadata that tensors or operators are counted in."""
  kept = [entry for entry in model.metadata if entry[0] not in _POSITIONAL_METADATA]
  return dataclasses.replace(model, metadata=kept)


def compact(model: Model) -> Model:
  """A copy whose first subgraph has no tensor that nothing refers to.

  Indices in operators, inputs, outputs and signatures are renumbered.
  """
  graph = model.main
  used = {*graph.inputs, *graph.outputs}
  for operator in graph.operators:
    used.update(operator.inputs)
    used.update(operator.outputs)
    used.update(_intermediates(operator))
  for signature in model.signatures:
    if signature.subgraphIndex == 0:
      used.update(
        entry.tensorIndex for entry in [*(signature.inputs or []), *(signature.outputs or [])]
      )
  used.discard(-1)
  renumbered = {old: new for new, old in enumerate(sorted(used))}
  renumbered[-1] = -1

  def remap(indices: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(renumbered[i] for i in indices)

  operators = []
  for operator in graph.operators:
    origin = operator.origin
    if _intermediates(operator):
      origin = copy.copy(origin)
      origin.intermediates = np.array(remap(_intermediates(operator)), np.int32)
    operators.append(
      dataclasses.replace(
        operator, inputs=remap(operator.inputs), outputs=remap(operator.outputs), origin=origin
      )
    )
  main = dataclasses.replace(
    graph,
    tensors=[graph.tensors[i] for i in sorted(used)],
    operators=operators,
    inputs=remap(graph.inputs),
    outputs=remap(graph.outputs),
  )
  signatures = []
  for signature in model.signatures:
    if signature.subgraphIndex == 0:
      signature = copy.deepcopy(signature)
      for entry in [*(signature.inputs or []), *(signature.outputs or [])]:
        entry.tensorIndex = renumbered[entry.tensorIndex]
    signatures.append(signature)
  return dataclasses.replace(model, subgraphs=[main, *model.subgraphs[1:]], signatures=signatures)


def _intermediates(operator: Operator) -> tuple[int, ...]:
  values = None if operator.origin is None else operator.origin.intermediates
  return () if values is None else tuple(int(value) for value in values)


class _AlignedBuffer:
  """A Buffer table whose data is 16-byte aligned in the file."""

  def __init__(self, data: np.ndarray) -> None:
    self._data = data

  def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802, the object API's name
    """Writes the table; gives its offset."""
    vector = None
    if self._data.size:
      raw = self._data.tobytes()
      builder.StartVector(1, len(raw), ALIGNMENT)
      head = builder.head - len(raw)
      builder.head = head
      builder.Bytes[head : head + len(raw)] = raw
      vector = builder.EndVector()
    schema.BufferStart(builder)
    if vector is not None:
      schema.BufferAddData(builder, vector)
    return schema.BufferEnd(builder)


class _Writer:
  """One serialization: collects buffers and operator codes, then packs."""

  def __init__(self, model: Model) -> None:
    self._model = model
    self._buffers: list[_AlignedBuffer] = [_AlignedBuffer(_EMPTY)]
    self._buffer_of: dict[bytes, int] = {}
    self._buffer_of_id: dict[int, int] = {}
    self._codes: list[Any] = []
    self._code_of: dict[tuple[int, str | None, int], int] = {}
    self._bytes = 0

  def run(self) -> bytes:
    model = self._model
    tree = copy.copy(model.origin) if model.origin is not None else schema.ModelT(version=3)
    tree.subgraphs = [self._subgraph(graph) for graph in model.subgraphs]
    tree.operatorCodes = self._codes
    tree.description = model.description.encode() or None
    tree.metadataBuffer = None
    tree.metadata = [
      schema.MetadataT(name=name.encode(), buffer=self._append(data))
      for name, data in model.metadata
    ] or None
    tree.signatureDefs = model.signatures or None
    tree.buffers = self._buffers
    builder = flatbuffers.Builder(self._bytes + (1 << 16))
    builder.Finish(tree.Pack(builder), IDENTIFIER)
    data = bytes(builder.Output())
    if model.trailer:
      data += place_trailer(model.trailer, len(data))
    return data

  def _append(self, data: np.ndarray) -> int:
    """A buffer of its own: metadata readers expect one each."""
    self._buffers.append(_AlignedBuffer(data))
    self._bytes += data.size + 64
    return len(self._buffers) - 1

  def _buffer(self, data: np.ndarray | None) -> int:
    if data is None:
      return 0
    if id(data) in self._buffer_of_id:
      return self._buffer_of_id[id(data)]
    raw = data.tobytes()
    if raw not in self._buffer_of:
      self._buffer_of[raw] = self._append(data)
    self._buffer_of_id[id(data)] = self._buffer_of[raw]
    return self._buffer_of[raw]

  def _subgraph(self, graph: Subgraph) -> Any:
    tree = copy.copy(graph.origin) if graph.origin is not None else schema.SubGraphT()
    tree.tensors = [self._tensor(tensor) for tensor in graph.tensors]
    tree.inputs = np.array(graph.inputs, np.int32)
    tree.outputs = np.array(graph.outputs, np.int32)
    tree.operators = [self._operator(operator) for operator in graph.operators]
    if graph.origin is None or name_of(tree) != graph.name:
      tree.name = graph.name.encode() or None
    return tree

  def _tensor(self, tensor: Tensor) -> Any:
    tree = copy.copy(tensor.origin) if tensor.origin is not None else schema.TensorT(hasRank=True)
    if tensor.origin is None or name_of(tree) != tensor.name:
      tree.name = tensor.name.encode()
    tree.type = int(tensor.dtype)
    if tensor.shape or tensor.origin is None or tree.shape is not None:
      tree.shape = np.array(tensor.shape, np.int32)
    tree.buffer = self._buffer(tensor.data)
    tree.isVariable = tensor.is_variable
    if not _same_quantization(tree.quantization, tensor.quantization):
      tree.quantization = _quantization(tensor.quantization)
    return tree

  def _operator(self, operator: Operator) -> Any:
    if operator.explicit_padding is not None:
      raise ValueError(f'{operator.opcode} has explicit padding outside a stage')
    tree = copy.copy(operator.origin) if operator.origin is not None else schema.OperatorT()
    tree.opcodeIndex = self._code(operator)
    tree.inputs = np.array(operator.inputs, np.int32)
    tree.outputs = np.array(operator.outputs, np.int32)
    if tree.builtinOptions is not operator.options or operator.origin is None:
      tree.builtinOptions = operator.options
      tree.builtinOptionsType = _options_type(operator.options)
    if operator.custom_options:
      tree.customOptions = np.frombuffer(operator.custom_options, np.uint8)
      # All is written inside the flatbuffer.
      tree.largeCustomOptionsOffset = tree.largeCustomOptionsSize = 0
    return tree

  def _code(self, operator: Operator) -> int:
    number = _CODES.get(operator.opcode)
    if number is None:
      number = int(operator.opcode.removeprefix('BUILTIN_'))
    key = number, operator.custom_name, operator.version
    if key not in self._code_of:
      self._code_of[key] = len(self._codes)
      self._codes.append(
        schema.OperatorCodeT(
          deprecatedBuiltinCode=min(number, _PLACEHOLDER),
          builtinCode=number,
          customCode=None if operator.custom_name is None else operator.custom_name.encode(),
          version=operator.version,
        )
      )
    return self._code_of[key]


def _same_quantization(origin: Any, wanted: Quantization | None) -> bool:
  # Scales without zero points are no quantization; see the reader.
  parts = () if origin is None else (origin.scale, origin.zeroPoint)
  absent = not parts or any(part is None or len(part) == 0 for part in parts)
  if wanted is None or absent:
    return wanted is None and absent
  return (
    np.array_equal(origin.scale, wanted.scales)
    and bool(np.all(np.asarray(origin.zeroPoint) == wanted.zero_points))
    and origin.quantizedDimension == wanted.axis
  )


def _quantization(wanted: Quantization | None) -> Any:
  if wanted is None:
    return None
  return schema.QuantizationParametersT(
    scale=wanted.scales.astype(np.float32),
    zeroPoint=wanted.zero_points.astype(np.int64),
    quantizedDimension=wanted.axis,
  )


def _options_type(options: Any) -> int:
  if options is None:
    return 0
  return int(getattr(schema.BuiltinOptions, type(options).__name__.removesuffix('T')))
