# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""PAD and MEAN on sequences [1, steps, channels], as on maps [1, steps, 1, channels].

Keras pads causal convolutions and averages sequences before it gives them the fourth
dimension. The bytes are the same; stages and the other rewrites see one kind of map.
"""

from __future__ import annotations

import copy
import dataclasses

import numpy as np

from tflm_patch.conversion.plugins import Context, register
from tflm_patch.graph import edit as graph_edit
from tflm_patch.graph.types import DType, Model, Operator, Subgraph, Tensor
from tflm_patch.planner.lowering.operators import OpView, check

_PADS = ('PAD', 'PADV2')


@register('rank_4', priority=22)
class RankFour:
  """PAD and MEAN along a sequence run on maps of one column."""

  def match(self, graph: Subgraph, index: int, context: Context) -> int | None:
    """Such an operator, when a stage can hold it on a map."""
    del context
    operator = graph.operators[index]
    if operator.opcode not in (*_PADS, 'MEAN') or not graph_edit.has_operands(operator, 2):
      return None
    source = graph.tensors[operator.inputs[0]]
    values = graph_edit.int32_constant(graph, operator.inputs[1])
    if len(source.shape) != 3 or source.shape[0] != 1 or values is None or source.is_constant:
      return None
    if operator.opcode == 'MEAN':
      made = graph.tensors[operator.outputs[0]].elements
      fits = len(values) == 1 and values[0] in (1, -2) and made == source.shape[2]
    else:
      fits = len(values) == 6 and len(graph.tensors[operator.outputs[0]].shape) == 3
    if not fits:
      return None
    # Two reshapes around an operator that stays stock would gain nothing.
    trial = dataclasses.replace(graph, tensors=list(graph.tensors), operators=list(graph.operators))
    _rewrite(trial, index)
    return index if check(OpView(Model([trial]), trial, index + 1)) is None else None

  def transform(self, graph: Subgraph, match: int) -> str:
    """Puts the operator between reshapes."""
    operator = graph.operators[match]
    _rewrite(graph, match)
    return f'{operator.opcode} of {list(graph.tensors[operator.inputs[0]].shape)} on a map'


def _rewrite(graph: Subgraph, index: int) -> None:
  operator = graph.operators[index]
  source, target = operator.inputs[0], operator.outputs[0]
  _, steps, channels = graph.tensors[source].shape
  read = _like(graph, source, (1, steps, 1, channels))
  values = graph_edit.int32_constant(graph, operator.inputs[1]) or []
  options = copy.copy(operator.options)
  if operator.opcode == 'MEAN':
    options.keepDims = True
    made = _like(graph, target, (1, 1, 1, channels))
    numbers = np.array([1], '<i4')
  else:
    _, padded, widened = graph.tensors[target].shape
    made = _like(graph, target, (1, padded, 1, widened))
    numbers = np.array([*values[:4], 0, 0, *values[4:]], '<i4').reshape(4, 2)
  constant = graph_edit.add_tensor(
    graph,
    Tensor(
      f'{graph.tensors[target].name}/{operator.opcode.lower()}',
      numbers.shape,
      DType.INT32,
      numbers.reshape(-1).view(np.uint8),
    ),
  )
  turned = dataclasses.replace(
    operator, inputs=(read, constant, *operator.inputs[2:]), outputs=(made,), options=options
  )
  graph.operators[index : index + 1] = _between(graph, source, read, turned, made, target)


def _between(
  graph: Subgraph, source: int, read: int, operator: Operator, made: int, target: int
) -> list[Operator]:
  return [
    graph_edit.reshape(graph, source, read),
    operator,
    graph_edit.reshape(graph, made, target),
  ]


def _like(graph: Subgraph, index: int, shape: tuple[int, ...]) -> int:
  tensor = graph.tensors[index]
  return graph_edit.add_tensor(
    graph, Tensor(f'{tensor.name}/map', shape, tensor.dtype, quantization=tensor.quantization)
  )
