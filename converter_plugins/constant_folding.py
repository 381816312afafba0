# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators of constants, and SHAPE of static shapes, become constants.

A model with a free batch size computes the shapes of its reshapes and transposed
convolutions at run time; TFLM runs it at the batch size that the file holds, 1.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from tflm_patch.conversion.plugins import Context, register
from tflm_patch.graph import edit as graph_edit
from tflm_patch.graph.evaluate import evaluate
from tflm_patch.graph.types import DType, Operator, Subgraph, Tensor

_OF_SHAPES = ('SHAPE', 'RANK')
_MOVES = (
  'BROADCAST_ARGS',
  'BROADCAST_TO',
  'CONCATENATION',
  'EXPAND_DIMS',
  'FILL',
  'GATHER',
  'PACK',
  'RESHAPE',
  'REVERSE_V2',
  'SELECT',
  'SELECT_V2',
  'SLICE',
  'SPLIT',
  'SPLIT_V',
  'SQUEEZE',
  'STRIDED_SLICE',
  'TILE',
  'TRANSPOSE',
  'UNPACK',
  'ZEROS_LIKE',
)
_BROADCASTING = (
  'ADD',
  'EQUAL',
  'FLOOR_DIV',
  'FLOOR_MOD',
  'GREATER',
  'GREATER_EQUAL',
  'LESS',
  'LESS_EQUAL',
  'LOGICAL_AND',
  'LOGICAL_OR',
  'MAXIMUM',
  'MINIMUM',
  'MUL',
  'NOT_EQUAL',
  'SUB',
)
_ARITHMETIC = (
  *_BROADCASTING,
  'CAST',
  'LOGICAL_NOT',
  'NEG',
  'REDUCE_MAX',
  'REDUCE_MIN',
  'REDUCE_PROD',
  'SUM',
)
_NUMBERS = (DType.INT32, DType.INT64, DType.FLOAT32, DType.BOOL)
# Numbers of shapes are small; within this no product of two overflows.
_LARGEST = 1 << 15
# Of all inputs of one operator; what an operator makes may be larger than they are only
# up to a size that is worth its flash.
_MAX_BYTES = 1 << 20
_SMALL_BYTES = 1024


@register('constant_folding', priority=5)
class ConstantFolding:
  """SHAPE, and operators whose inputs are all constants, are computed now."""

  def match(
    self, graph: Subgraph, index: int, context: Context
  ) -> tuple[int, list[np.ndarray]] | None:
    """The operator's results, when they are known."""
    del context
    operator = graph.operators[index]
    if any(t in graph.outputs for t in operator.outputs) or not operator.outputs:
      return None
    tensors = [graph.tensors[t] for t in operator.outputs]
    if not all(t.dtype.numpy and not t.is_variable and t.elements for t in tensors):
      return None
    if operator.opcode in _OF_SHAPES:
      values = _of_shape(graph, operator)
    elif operator.opcode in (*_MOVES, *_ARITHMETIC) and _is_foldable(graph, operator):
      values = evaluate(graph, operator)
    else:
      return None
    return None if values is None else (index, values)

  def transform(self, graph: Subgraph, match: tuple[int, list[np.ndarray]]) -> str:
    """The outputs become constants; the operator goes."""
    index, values = match
    operator = graph.operators[index]
    for t, value in zip(operator.outputs, values):
      data = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
      graph.tensors[t] = dataclasses.replace(graph.tensors[t], data=data)
    graph_edit.remove(graph, index)
    return f'{operator.opcode} is {", ".join(map(_text, values))}'


def _text(value: np.ndarray) -> str:
  return str(value.tolist()) if value.size <= 8 else f'a constant of shape {list(value.shape)}'


def _of_shape(graph: Subgraph, operator: Operator) -> list[np.ndarray] | None:
  """SHAPE or RANK: TFLM takes them from the file, whatever the shape's signature says."""
  if not graph_edit.has_operands(operator, 1) or len(operator.outputs) != 1:
    return None
  source, target = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
  if target.dtype not in (DType.INT32, DType.INT64):
    return None
  shape = source.shape if operator.opcode == 'SHAPE' else len(source.shape)
  value = np.array(shape, target.dtype.numpy)
  return [value] if value.shape == target.shape else None


def _is_foldable(graph: Subgraph, operator: Operator) -> bool:
  if not graph_edit.has_operands(operator, 1):
    return False
  inputs = [graph.tensors[t] for t in operator.inputs if t >= 0]
  outputs = [graph.tensors[t] for t in operator.outputs]
  if not all(_is_plain(tensor) for tensor in inputs):
    return False
  size = sum(tensor.bytes for tensor in inputs)
  if size > _MAX_BYTES or sum(t.bytes for t in outputs) > max(size, _SMALL_BYTES):
    return False
  if operator.opcode in _ARITHMETIC:
    if not all(t.dtype in _NUMBERS for t in (*inputs, *outputs)):
      return False
    if not all(np.all(np.abs(t.array().astype(np.float64)) < _LARGEST) for t in inputs):
      return False
  elif not _moves_values(inputs, outputs):
    return False
  return _makes_its_shape(operator.opcode, inputs, outputs[0])


def _is_plain(tensor: Tensor) -> bool:
  """A constant that is stored as its shape and type say."""
  stored = tensor.data is not None and tensor.dtype.numpy is not None
  sparse = tensor.origin is not None and tensor.origin.sparsity is not None
  return stored and not sparse and tensor.data is not None and tensor.data.size == tensor.bytes


def _moves_values(inputs: list[Tensor], outputs: list[Tensor]) -> bool:
  """Whether no value is requantized on its way."""
  quantized = [t for t in (*inputs, *outputs) if t.dtype not in _NUMBERS]
  return all(
    graph_edit.same_quantization(t.quantization, quantized[0].quantization) for t in quantized
  )


def _makes_its_shape(opcode: str, inputs: list[Tensor], output: Tensor) -> bool:
  """Whether an operator that can make more than it reads makes what the file says."""
  if opcode in _BROADCASTING:
    return len(inputs) == 2 and _broadcast(inputs) == output.shape
  if opcode in ('SELECT', 'SELECT_V2'):
    return len(inputs) == 3 and _broadcast(inputs) == output.shape
  check = _SHAPES.get(opcode)
  if check is None:
    return True
  return len(inputs) >= 2 and check(inputs[0], inputs[1]) == output.shape


def _broadcast(tensors: list[Tensor]) -> tuple[int, ...] | None:
  try:
    return np.broadcast_shapes(*(tensor.shape for tensor in tensors))
  except ValueError:
    return None


def _values(tensor: Tensor) -> tuple[int, ...]:
  return tuple(int(value) for value in tensor.array().reshape(-1))


def _tiled(source: Tensor, counts: Tensor) -> tuple[int, ...]:
  return tuple(size * count for size, count in zip(source.shape, _values(counts)))


def _gathered(source: Tensor, indices: Tensor) -> tuple[int, ...] | None:
  """Along the first axis; others are not needed for shapes."""
  if source.elements * math.prod(indices.shape) > _MAX_BYTES:
    return None
  return indices.shape + source.shape[1:]


_SHAPES: dict[str, Callable[[Tensor, Tensor], tuple[int, ...] | None]] = {
  'FILL': lambda sizes, value: _values(sizes),
  'BROADCAST_TO': lambda source, sizes: _values(sizes),
  'TILE': _tiled,
  'GATHER': _gathered,
}
