# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Multiply-accumulates of operators, counted from shapes."""

from __future__ import annotations

from collections.abc import Callable

from tflm_patch.graph.types import Operator, Subgraph


def _convolution(subgraph: Subgraph, operator: Operator) -> int:
  """Every output value takes one weight filter: weights / output channels."""
  output = subgraph.tensors[operator.outputs[0]]
  weights = subgraph.tensors[operator.inputs[1]]
  channels = output.shape[-1] if output.shape else 1
  return output.elements * weights.elements // max(channels, 1)


def _transpose_convolution(subgraph: Subgraph, operator: Operator) -> int:
  """Every input value is scattered by weights / input channels taps."""
  if len(operator.inputs) < 3 or operator.inputs[2] < 0:
    return 0
  source = subgraph.tensors[operator.inputs[2]]
  weights = subgraph.tensors[operator.inputs[1]]
  channels = source.shape[-1] if source.shape else 1
  return source.elements * weights.elements // max(channels, 1)


_COUNTERS: dict[str, Callable[[Subgraph, Operator], int]] = {
    'CONV_2D': _convolution,
    'DEPTHWISE_CONV_2D': _convolution,
    'FULLY_CONNECTED': _convolution,
    'TRANSPOSE_CONV': _transpose_convolution,
}


def operator_macs(subgraph: Subgraph, operator: Operator) -> int:
  """MACs of one operator; operators without weights count as zero."""
  counter = _COUNTERS.get(operator.opcode)
  if counter is None or not operator.outputs or len(operator.inputs) < 2:
    return 0
  return 0 if min(operator.inputs[:2]) < 0 else counter(subgraph, operator)


def subgraph_macs(subgraph: Subgraph) -> int:
  """MACs of all operators."""
  return sum(operator_macs(subgraph, operator) for operator in subgraph.operators)
