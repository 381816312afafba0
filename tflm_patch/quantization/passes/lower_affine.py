# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What no convolution took in: a depthwise convolution of one cell, or MUL and ADD."""

from __future__ import annotations

import numpy as np

from tflm_patch.quantization.network import Network, Node, Value
from tflm_patch.quantization.operators.affine import Affine
from tflm_patch.quantization.operators.base import Operation
from tflm_patch.quantization.operators.binary import Add, Mul
from tflm_patch.quantization.operators.depthwise_conv import DepthwiseConv2D
from tflm_patch.quantization.operators.reshape import Reshape
from tflm_patch.quantization.operators.window import Window


def lower_affine(network: Network) -> bool:
  """Replaces every affine; whether there was one."""
  found = [node for node in network.nodes if isinstance(node.operation, Affine)]
  for node in found:
    _lower(network, node)
  return bool(found)


def _lower(network: Network, node: Node) -> None:
  operation = node.operation
  assert isinstance(operation, Affine)
  rank = node.input.rank
  if rank == 4:
    _replace(network, node, [(_depthwise(operation), ())])
  elif rank == 3:
    _, length, channels = node.input.shape
    steps: list[tuple[Operation, tuple[Value, ...]]] = [
      (Reshape((1, length, 1, channels)), ()),
      (_depthwise(operation), ()),
      (Reshape(node.input.shape), ()),
    ]
    _replace(network, node, steps)
  else:
    _replace(network, node, _mul_add(node, operation))


def _depthwise(operation: Affine) -> DepthwiseConv2D:
  return DepthwiseConv2D(
    Window((1, 1)),
    operation.scale.reshape(1, 1, -1, 1).astype(np.float32),
    operation.shift.astype(np.float32),
    clamp=operation.clamp,
  )


def _mul_add(node: Node, operation: Affine) -> list[tuple[Operation, tuple[Value, ...]]]:
  """Constants of one value where all channels are alike."""
  steps: list[tuple[Operation, tuple[Value, ...]]] = []
  shifts = np.any(operation.shift != 0)
  clamp = operation.clamp
  if np.any(operation.scale != 1) or not shifts:
    last = {} if shifts else {'clamp': clamp}
    steps.append((Mul(**last), (_constant(node, operation.scale, 'scale'),)))
  if shifts:
    steps.append((Add(clamp=clamp), (_constant(node, operation.shift, 'shift'),)))
  return steps


def _constant(node: Node, values: np.ndarray, what: str) -> Value:
  if np.all(values == values[0]):
    values = values[:1]
  shape = (1,) * (node.input.rank - 1) + values.shape
  return Value(shape, f'{node.name}/{what}', values.reshape(shape).astype(np.float32))


def _replace(
  network: Network, node: Node, steps: list[tuple[Operation, tuple[Value, ...]]]
) -> None:
  """Puts a chain of operations, with their further inputs, in the place of a node."""
  made: list[Node] = []
  source = node.input
  for number, (operation, more) in enumerate(steps):
    shapes = [source.shape, *(value.shape for value in more)]
    is_last = number == len(steps) - 1
    name = node.name if is_last else f'{node.name}/{number}'
    target = node.output if is_last else Value(operation.output_shape(shapes), name)
    made.append(Node(operation, (source, *more), target, name))
    source = target
  network.insert_after(node, made)
  network.nodes.remove(node)
