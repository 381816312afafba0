# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Small queries and edits that rewrites share."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.graph.types import DType, Operator, Quantization, Subgraph, Tensor


def has_operands(operator: Operator, inputs: int) -> bool:
  """Whether the first inputs and an output are there, as damaged models may lack them."""
  return (
    len(operator.inputs) >= inputs
    and min(operator.inputs[:inputs]) >= 0
    and len(operator.outputs) >= 1
  )


def readers(graph: Subgraph, tensor: int) -> list[int]:
  """Operators that read a tensor."""
  return [i for i, operator in enumerate(graph.operators) if tensor in operator.inputs]


def producer(graph: Subgraph, tensor: int) -> int | None:
  """The operator that makes a tensor."""
  for i, operator in enumerate(graph.operators):
    if tensor in operator.outputs:
      return i
  return None


def only_reader(graph: Subgraph, tensor: int) -> int | None:
  """The operator that alone reads a tensor, None also for graph outputs."""
  found = readers(graph, tensor)
  return found[0] if len(found) == 1 and tensor not in graph.outputs else None


def constant(graph: Subgraph, tensor: int, dtype: DType = DType.INT32) -> list[int] | None:
  """The values of a constant tensor as a flat list, None when it is computed or of another type."""
  if tensor < 0 or not graph.tensors[tensor].is_constant or graph.tensors[tensor].dtype != dtype:
    return None
  return graph.tensors[tensor].array().reshape(-1).tolist()


def int32_constant(graph: Subgraph, tensor: int) -> list[int] | None:
  """As `constant`, for sizes, axes and paddings; None for other types, too."""
  if tensor < 0 or graph.tensors[tensor].dtype != DType.INT32:
    return None
  return constant(graph, tensor)


def same_quantization(a: Quantization | None, b: Quantization | None) -> bool:
  """Whether both are absent, or per tensor with equal scale and zero point."""
  if a is None or b is None:
    return a is b
  return a.per_tensor and b.per_tensor and a.scale == b.scale and a.zero_point == b.zero_point


def add_tensor(graph: Subgraph, tensor: Tensor) -> int:
  """Appends a tensor; gives its index."""
  graph.tensors.append(tensor)
  return len(graph.tensors) - 1


def reshape(graph: Subgraph, source: int, target: int, made: Tensor | None = None) -> Operator:
  """A RESHAPE of a tensor to the shape of another; the caller puts it into the graph.

  Args:
    graph: Gets the tensor of the shape.
    source, target: Tensor indices.
    made: What the target is going to be, where it is not that yet.
  """
  made = graph.tensors[target] if made is None else made
  sizes = add_tensor(
    graph,
    Tensor(
      f'{made.name}/shape',
      (len(made.shape),),
      DType.INT32,
      np.array(made.shape, '<i4').view(np.uint8),
    ),
  )
  return Operator('RESHAPE', (source, sizes), (target,))


def rewire(graph: Subgraph, old: int, new: int) -> None:
  """Makes every reader of a tensor read another one."""
  for i in readers(graph, old):
    operator = graph.operators[i]
    inputs = tuple(new if t == old else t for t in operator.inputs)
    graph.operators[i] = dataclasses.replace(operator, inputs=inputs)


def remove(graph: Subgraph, *indices: int) -> None:
  """Removes operators."""
  for i in sorted(indices, reverse=True):
    del graph.operators[i]
