# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN over rows and columns of a map that was transposed to NCHW first."""

from __future__ import annotations

import numpy as np

from tflm_patch.conversion.plugins import Context, register
from tflm_patch.graph import edit as graph_edit
from tflm_patch.graph.types import DType, Operator, Subgraph, Tensor

_NHWC_TO_NCHW = [0, 3, 1, 2]
# (axis of the first mean, axis of the second) on NCHW -> on NHWC with kept dimensions.
_AXES = {(3, 2): (2, 1), (2, 2): (1, 2)}


@register('transpose_mean', priority=30)
class TransposeMean:
  """TRANSPOSE to NCHW and two MEANs become the MEANs on NHWC, rounding kept."""

  def match(self, graph: Subgraph, index: int, context: Context) -> tuple[int, int, int] | None:
    """TRANSPOSE (0, 3, 1, 2), MEAN over one of its last axes, MEAN over the other."""
    del context
    transpose = graph.operators[index]
    if transpose.opcode != 'TRANSPOSE' or not graph_edit.has_operands(transpose, 2):
      return None
    if len(graph.tensors[transpose.inputs[0]].shape) != 4:
      return None
    if graph_edit.constant(graph, transpose.inputs[1]) != _NHWC_TO_NCHW:
      return None
    source, target = (graph.tensors[t] for t in (transpose.inputs[0], transpose.outputs[0]))
    if not graph_edit.same_quantization(source.quantization, target.quantization):
      return None
    first = graph_edit.only_reader(graph, transpose.outputs[0])
    if first is None or not self._is_mean(graph, first):
      return None
    second = graph_edit.only_reader(graph, graph.operators[first].outputs[0])
    if second is None or not self._is_mean(graph, second):
      return None
    axes = tuple(self._axis(graph, i) for i in (first, second))
    return (index, first, second) if axes in _AXES else None

  def transform(self, graph: Subgraph, match: tuple[int, int, int]) -> str:
    """Makes both means keep their dimensions on NHWC; a reshape ends the chain."""
    index, first, second = match
    transpose, means = graph.operators[index], [graph.operators[i] for i in (first, second)]
    axes = _AXES[self._axis(graph, first), self._axis(graph, second)]
    shape = list(graph.tensors[transpose.inputs[0]].shape)
    source = transpose.inputs[0]
    new = []
    for mean, axis in zip(means, axes):
      shape[axis] = 1
      old = graph.tensors[mean.outputs[0]]
      made = graph_edit.add_tensor(
        graph, Tensor(f'{old.name}/nhwc', tuple(shape), old.dtype, quantization=old.quantization)
      )
      axis_tensor = graph_edit.add_tensor(
        graph, Tensor(f'{old.name}/axis', (1,), DType.INT32, np.array([axis], '<i4').view(np.uint8))
      )
      new.append(Operator('MEAN', (source, axis_tensor), (made,), _keeping_dims(mean.options)))
      source = made
    graph.operators[second] = graph_edit.reshape(graph, source, means[1].outputs[0])
    graph.operators[first] = new[1]
    graph.operators[index] = new[0]
    return 'TRANSPOSE, MEAN, MEAN to NCHW became MEAN, MEAN on NHWC'

  @staticmethod
  def _is_mean(graph: Subgraph, index: int) -> bool:
    operator = graph.operators[index]
    keeps = bool(getattr(operator.options, 'keepDims', False))
    whole = graph_edit.has_operands(operator, 2)
    return operator.opcode == 'MEAN' and whole and not keeps

  @staticmethod
  def _axis(graph: Subgraph, index: int) -> int:
    operator = graph.operators[index]
    values = graph_edit.constant(graph, operator.inputs[1])
    rank = len(graph.tensors[operator.inputs[0]].shape)
    return values[0] % rank if rank and values is not None and len(values) == 1 else -1


def _keeping_dims(options: object) -> object:
  kept = type(options)()
  kept.keepDims = True  # type: ignore[attr-defined]
  return kept
