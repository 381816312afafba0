# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESHAPE, SQUEEZE and EXPAND_DIMS that change nothing, and chains of them."""

from __future__ import annotations

import dataclasses

from converter_plugins import graph_edit
from converter_plugins.registry import Context, register
from tflm_patch.graph.types import Subgraph

_RESHAPES = ('RESHAPE', 'SQUEEZE', 'EXPAND_DIMS')


@register('reshape_noop', priority=10)
class ReshapeNoop:
  """RESHAPE to the same shape goes; of two RESHAPEs in a row the first goes."""

  def match(self, graph: Subgraph, index: int, context: Context) -> tuple[str, int, int] | None:
    """A reshape that keeps the shape, or one that only another reshape reads."""
    del context
    operator = graph.operators[index]
    if operator.opcode not in _RESHAPES or not graph_edit.has_operands(operator, 1):
      return None
    if operator.outputs[0] in graph.outputs:
      return None
    source, target = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    same = source.dtype == target.dtype and graph_edit.same_quantization(
        source.quantization, target.quantization
    )
    if not same or source.is_constant or source.is_variable:
      return None
    if source.shape == target.shape:
      return 'noop', index, index
    reader = graph_edit.only_reader(graph, operator.outputs[0])
    if reader is not None and graph.operators[reader].opcode in _RESHAPES:
      if graph.operators[reader].inputs[0] == operator.outputs[0]:
        return 'chain', index, reader
    return None

  def transform(self, graph: Subgraph, match: tuple[str, int, int]) -> str:
    """Removes the reshape; its readers read its input."""
    kind, index, reader = match
    operator = graph.operators[index]
    if kind == 'noop':
      graph_edit.rewire(graph, operator.outputs[0], operator.inputs[0])
    else:
      follower = graph.operators[reader]
      if follower.opcode == 'RESHAPE':
        follower = dataclasses.replace(
            follower, inputs=(operator.inputs[0], *follower.inputs[1:])
        )
      else:
        follower = graph_edit.reshape(graph, operator.inputs[0], follower.outputs[0])
      graph.operators[reader] = follower
    graph_edit.remove(graph, index)
    return f'{operator.opcode} {list(graph.tensors[operator.outputs[0]].shape)} removed'
