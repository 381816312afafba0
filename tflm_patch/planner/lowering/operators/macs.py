# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Multiply-accumulates of operators, counted from shapes; see `OperatorSpec.macs`."""

from __future__ import annotations

from tflm_patch.graph.types import Operator, Subgraph
from tflm_patch.planner.lowering.operators import base


def convolution(subgraph: Subgraph, operator: Operator) -> int:
  """Every output value takes one weight filter: weights / output channels."""
  if len(operator.inputs) < 2 or min(operator.inputs[:2]) < 0:
    return 0
  output = subgraph.tensors[operator.outputs[0]]
  weights = subgraph.tensors[operator.inputs[1]]
  channels = output.shape[-1] if output.shape else 1
  return output.elements * weights.elements // max(channels, 1)


def matrix_product(subgraph: Subgraph, operator: Operator) -> int:
  """Every output value is the product of a vector of the first input with another one."""
  source = subgraph.tensors[operator.inputs[0]]
  return subgraph.tensors[operator.outputs[0]].elements * source.shape[-1]


def lstm(subgraph: Subgraph, operator: Operator) -> int:
  """Four gates, each with products with the input and with the hidden state."""
  source, made = (subgraph.tensors[i] for i in (operator.inputs[0], operator.outputs[0]))
  return 4 * made.elements * (source.shape[-1] + made.shape[-1])


def svdf(subgraph: Subgraph, operator: Operator) -> int:
  """Of every filter a product with the input, and one with its numbers."""
  if len(operator.inputs) < 3 or min(operator.inputs[:3]) < 0:
    return 0
  return sum(subgraph.tensors[i].elements for i in operator.inputs[1:3])


def transpose_convolution(subgraph: Subgraph, operator: Operator) -> int:
  """Every input value is scattered by weights / input channels taps."""
  if len(operator.inputs) < 3 or min(operator.inputs[:3]) < 0:
    return 0
  source = subgraph.tensors[operator.inputs[2]]
  weights = subgraph.tensors[operator.inputs[1]]
  channels = source.shape[-1] if source.shape else 1
  return source.elements * weights.elements // max(channels, 1)


def operator_macs(subgraph: Subgraph, operator: Operator) -> int:
  """MACs of one operator; operators without weights count as zero."""
  spec = base.REGISTRY.get(operator.opcode)
  if spec is None or spec.macs is None or not operator.outputs:
    return 0
  return spec.macs(subgraph, operator)


def subgraph_macs(subgraph: Subgraph) -> int:
  """MACs of all operators."""
  return sum(operator_macs(subgraph, operator) for operator in subgraph.operators)
