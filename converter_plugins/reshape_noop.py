# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESHAPE, SQUEEZE and EXPAND_DIMS that change nothing, and chains of them."""

from __future__ import annotations

from tflm_patch.conversion.plugins import Context, register
from tflm_patch.graph import edit as graph_edit
from tflm_patch.graph.types import Subgraph

_RESHAPES = ('RESHAPE', 'SQUEEZE', 'EXPAND_DIMS')


@register('reshape_noop', priority=10)
class ReshapeNoop:
  """RESHAPE to the same shape goes; of two RESHAPEs in a row the first goes."""

  def match(self, graph: Subgraph, index: int, context: Context) -> tuple[str, int, int] | None:
    """A reshape that keeps the shape, or one that another reshape reads."""
    del context
    operator = graph.operators[index]
    if operator.opcode not in _RESHAPES or not graph_edit.has_operands(operator, 1):
      return None
    made = operator.outputs[0]
    source, target = graph.tensors[operator.inputs[0]], graph.tensors[made]
    same = source.dtype == target.dtype and graph_edit.same_quantization(
      source.quantization, target.quantization
    )
    if not same or source.is_constant or source.is_variable:
      return None
    if source.shape == target.shape and made not in graph.outputs:
      return 'noop', index, index
    for reader in graph_edit.readers(graph, made):
      follower = graph.operators[reader]
      if follower.opcode in _RESHAPES and follower.inputs[0] == made:
        return 'chain', index, reader
    return None

  def transform(self, graph: Subgraph, match: tuple[str, int, int]) -> str:
    """Readers read the reshape's input; without other readers it goes."""
    kind, index, reader = match
    operator = graph.operators[index]
    made = operator.outputs[0]
    shape = list(graph.tensors[made].shape)
    if kind == 'noop':
      graph_edit.rewire(graph, made, operator.inputs[0])
    else:
      follower = graph.operators[reader]
      graph.operators[reader] = graph_edit.reshape(graph, operator.inputs[0], follower.outputs[0])
    if graph_edit.readers(graph, made) or made in graph.outputs:
      return f'{operator.opcode} {shape} passed by'
    graph_edit.remove(graph, index)
    return f'{operator.opcode} {shape} removed'
