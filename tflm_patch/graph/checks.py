# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a model must obey before anything works on it."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tflm_patch.graph.types import DType, Model, Operator, Subgraph, Tensor

_MAX_ELEMENTS = 1 << 31
# Constants under these are stored in a form of their own.
_COMPRESSION_METADATA = 'COMPRESSION_METADATA'
_DECODE = 'TFLM_DECODE'
# An LSTM's intermediates, which only carry scales; the shape of a scalar.
_EMPTY = (0,)
_BITS = {DType.INT4: 4, DType.UINT4: 4, DType.INT2: 2}


class Invalid(ValueError):
  """A model breaks a rule of the format; the message says which and where."""


def check_model(model: Model) -> None:
  """Checks indices, shapes, constants, quantization and the order of operators.

  Raises:
    Invalid: the first thing that is wrong.
  """
  if not model.subgraphs:
    raise Invalid('it has no subgraph')
  if not model.main.operators:
    raise Invalid('it has no operators')
  compressed = any(name == _COMPRESSION_METADATA for name, _ in model.metadata)
  for number, graph in enumerate(model.subgraphs):
    where = '' if len(model.subgraphs) == 1 else f' of subgraph {number}'
    _check_indices(graph, where)
    decoded = {
      t for operator in graph.operators if operator.custom_name == _DECODE for t in operator.inputs
    }
    interface = {*graph.inputs, *graph.outputs}
    for index, tensor in enumerate(graph.tensors):
      if tensor.shape != _EMPTY or index in interface:
        _check_shape(tensor, where)
      _check_quantization(tensor, where)
      if not compressed and index not in decoded:
        _check_constant(tensor, where)
    _check_order(graph, where)
  for signature in model.signatures:
    _check_signature(model, signature)


def _check_indices(graph: Subgraph, where: str) -> None:
  count = len(graph.tensors)

  def check(indices: Iterable[int], lowest: int, what: str) -> None:
    for index in indices:
      if not lowest <= index < count:
        raise Invalid(f'{what}{where} names tensor {index} of {count}')

  check(graph.inputs, 0, 'an input')
  check(graph.outputs, 0, 'an output')
  for position, operator in enumerate(graph.operators):
    check(operator.inputs, -1, f'an input of operator {position} ({operator.opcode})')
    check(operator.outputs, 0, f'an output of operator {position} ({operator.opcode})')


def _check_shape(tensor: Tensor, where: str) -> None:
  if any(size < 1 for size in tensor.shape):
    raise Invalid(f'tensor "{tensor.name}"{where} has the shape {list(tensor.shape)}')
  if math.prod(tensor.shape) >= _MAX_ELEMENTS:
    raise Invalid(f'tensor "{tensor.name}"{where} is too large: {list(tensor.shape)}')


def _check_quantization(tensor: Tensor, where: str) -> None:
  quantization = tensor.quantization
  if quantization is None:
    return
  scales = quantization.scales
  if not np.all(np.isfinite(scales)) or np.any(scales < 0):
    raise Invalid(f'tensor "{tensor.name}"{where} has a scale that is not a positive number')
  if scales.size > 1:
    # A vector has one axis, whatever its quantization names.
    axis = 0 if len(tensor.shape) == 1 else quantization.axis
    if not 0 <= axis < len(tensor.shape) or tensor.shape[axis] != scales.size:
      raise Invalid(
        f'tensor "{tensor.name}"{where} of shape {list(tensor.shape)} has'
        f' {scales.size} scales along axis {axis}'
      )


def _check_constant(tensor: Tensor, where: str) -> None:
  if tensor.data is None or (tensor.origin is not None and tensor.origin.sparsity is not None):
    return
  bits = _BITS.get(tensor.dtype, 8 * (tensor.dtype.bytes or 0))
  wanted = (tensor.elements * bits + 7) // 8
  if bits and tensor.data.size != wanted:
    raise Invalid(
      f'constant "{tensor.name}"{where} holds {tensor.data.size} bytes, its shape'
      f' {list(tensor.shape)} of {tensor.dtype.name} takes {wanted}'
    )


def _check_order(graph: Subgraph, where: str) -> None:
  # A tensor without elements holds nothing that could be missing.
  ready = {
    i for i, t in enumerate(graph.tensors) if t.is_constant or t.is_variable or not t.elements
  }
  ready.update(graph.inputs)
  made: dict[int, int] = {}
  makers = {t for operator in graph.operators for t in operator.outputs}
  for position, operator in enumerate(graph.operators):
    for t in operator.inputs:
      if t >= 0 and t not in ready and t in makers:
        raise Invalid(
          f'operator {position} ({operator.opcode}){where} reads tensor'
          f' "{graph.tensors[t].name}" before it is made'
        )
      if t >= 0 and t not in ready:
        raise Invalid(
          f'operator {position} ({operator.opcode}){where} reads tensor'
          f' "{graph.tensors[t].name}", which nothing makes'
        )
    for t in operator.outputs:
      if t in made or t in graph.inputs or graph.tensors[t].is_constant:
        raise Invalid(_made_twice(graph, operator, position, t, where))
      made[t] = position
      ready.add(t)
  for t in graph.outputs:
    if t not in ready:
      raise Invalid(f'output "{graph.tensors[t].name}"{where} is not made')


def _made_twice(graph: Subgraph, operator: Operator, position: int, t: int, where: str) -> str:
  return (
    f'operator {position} ({operator.opcode}){where} makes tensor'
    f' "{graph.tensors[t].name}", which is made already'
  )


def _check_signature(model: Model, signature: object) -> None:
  number = int(getattr(signature, 'subgraphIndex', 0))
  if not 0 <= number < len(model.subgraphs):
    raise Invalid(f'a signature names subgraph {number}')
  count = len(model.subgraphs[number].tensors)
  for field in ('inputs', 'outputs'):
    for entry in getattr(signature, field) or []:
      if not 0 <= entry.tensorIndex < count:
        raise Invalid(f'a signature names tensor {entry.tensorIndex} of {count}')
