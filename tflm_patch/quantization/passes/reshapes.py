# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Reshapes move toward the outputs and meet the ones that undo them.

1-D layers read maps of one column: each has a reshape before it and one after it.
"""

from __future__ import annotations

import math

from tflm_patch.quantization.network import Network, Node, Shape, Value
from tflm_patch.quantization.operators.activation import Prelu
from tflm_patch.quantization.operators.affine import Affine
from tflm_patch.quantization.operators.binary import Add, Maximum, Minimum, Mul, Sub
from tflm_patch.quantization.operators.concatenation import Concatenation
from tflm_patch.quantization.operators.reshape import Reshape


def cancel_reshapes(network: Network) -> bool:
  """Merges, drops and moves reshapes; whether there was one to treat."""
  treated = [_treat(network, node) for node in list(network.nodes) if node in network.nodes]
  return any(treated)


def _treat(network: Network, node: Node) -> bool:
  if isinstance(node.operation, Reshape):
    return _drop(network, node) or _merge(network, node)
  return _move_after(network, node)


def _drop(network: Network, node: Node) -> bool:
  """A reshape that changes nothing."""
  is_output = any(node.output is value for value in network.outputs)
  if node.input.shape != node.output.shape or (is_output and _is_boundary(network, node.input)):
    return False
  if is_output:
    node.input.name = node.output.name
  network.remove(node)
  return True


def _is_boundary(network: Network, value: Value) -> bool:
  return any(value is each for each in (*network.inputs, *network.outputs))


def _merge(network: Network, node: Node) -> bool:
  """A reshape of a reshape reads what that one reads."""
  before = network.producer(node.input)
  if before is None or not isinstance(before.operation, Reshape):
    return False
  node.inputs = before.inputs
  network.drop_unused()
  return True


def _move_after(network: Network, node: Node) -> bool:
  """A reshape before an operation on single values goes after it."""
  sources = _reshaped_inputs(network, node)
  if sources is None:
    return False
  operation, inner = node.operation, [value.shape for value in sources]
  if isinstance(operation, Concatenation):
    operation = Concatenation(len(inner[0]) - 1)
  made = Value(operation.output_shape(inner), f'{node.name}/map')
  after = Node(Reshape(node.output.shape), (made,), node.output, f'{node.name}/reshape')
  node.operation, node.inputs, node.output = operation, tuple(sources), made
  network.insert_after(node, [after])
  network.drop_unused()
  return True


def _reshaped_inputs(network: Network, node: Node) -> list[Value] | None:
  """What the reshapes before a node read, None where the node cannot read that."""
  if not _allows(node):
    return None
  sources = []
  for value in node.inputs:
    if value.constant is not None:
      sources.append(value)
      continue
    before = network.producer(value)
    if before is None or not isinstance(before.operation, Reshape):
      return None
    if not _keeps_channels(before):
      return None
    sources.append(before.input)
  computed = [value for value in sources if value.constant is None]
  if not computed or any(_frame(value.shape) != _frame(computed[0].shape) for value in computed):
    return None
  return [_fitting(value, computed[0].rank) for value in sources]


def _allows(node: Node) -> bool:
  operation = node.operation
  if isinstance(operation, Concatenation):
    return operation.axis == node.output.rank - 1
  if isinstance(operation, (Add, Sub, Mul, Maximum, Minimum, Prelu)):
    # Constants of one value per channel, or of one, mean the same in every shape.
    return all(
      value.shape == node.output.shape if value.constant is None else _is_vector(value.shape)
      for value in node.inputs
    )
  return operation.elementwise or isinstance(operation, Affine)


def _keeps_channels(node: Node) -> bool:
  """Whether a reshape leaves the last dimension, and so the channels, alone."""
  return node.input.shape[-1] == node.output.shape[-1]


def _is_vector(shape: Shape) -> bool:
  return math.prod(shape) == shape[-1]


def _frame(shape: Shape) -> Shape:
  """Everything but the channels."""
  return shape[:-1]


def _fitting(value: Value, rank: int) -> Value:
  if value.constant is None or value.rank == rank:
    return value
  shape = (1,) * (rank - 1) + (value.shape[-1],)
  return Value(shape, value.name, value.constant.reshape(shape))
