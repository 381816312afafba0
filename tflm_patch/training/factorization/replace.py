# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Factors in the place of a layer: in the float network, and in the Keras model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tflm_patch.quantization.network import Network, Node, Value
from tflm_patch.quantization.operators.base import Operation
from tflm_patch.quantization.operators.conv import Conv2D
from tflm_patch.quantization.operators.fully_connected import FullyConnected
from tflm_patch.quantization.operators.window import Window
from tflm_patch.training.channels.layers import Use
from tflm_patch.training.clone import clone, copied
from tflm_patch.training.factorization.schemes import Kernels

FACTORED = ('Conv1D', 'Conv2D', 'Dense')
_MIXING = (Conv2D, FullyConnected)


def kernel_of(node: Node) -> np.ndarray:
  """float32[rows, columns, inputs, outputs] of a layer's node."""
  operation = node.operation
  assert isinstance(operation, _MIXING)
  weights = operation.weights
  return weights if weights.ndim == 4 else weights[None, None]


def node_of(use: Use) -> Node | None:
  """The node that a layer can be factored in; None for other layers."""
  if use.kind not in FACTORED or not type(use.layer).__module__.startswith('keras.'):
    return None
  node = use.node(*_MIXING)
  is_grouped = kernel_of(node).shape[2] != node.input.channels
  return None if is_grouped and isinstance(node.operation, Conv2D) else node


def in_network(network: Network, replaced: Mapping[int, Kernels]) -> Network:
  """Puts factors into a network.

  Args:
    network: Edited.
    replaced: The factors of nodes, by their numbers.
  """
  for number in sorted(replaced, reverse=True):
    node = network.nodes[number]
    made: list[Node] = []
    x = node.input
    for k, operation in enumerate(_operations(node, replaced[number])):
      is_last = k == len(replaced[number]) - 1
      shape = operation.output_shape([x.shape])
      output = node.output if is_last else Value(shape, f'{node.name}/{k}')
      made.append(Node(operation, (x,), output, f'{node.name}/{k}'))
      x = output
    network.nodes[number : number + 1] = made
  return network


def _operations(node: Node, kernels: Kernels) -> list[Operation]:
  operation: Any = node.operation
  found: list[Operation] = []
  for k, kernel in enumerate(kernels):
    is_last = k == len(kernels) - 1
    bias = operation.bias if is_last else np.zeros(kernel.shape[3], np.float32)
    weights = kernel
    changes: dict[str, Any] = {'weights': weights, 'bias': bias}
    if isinstance(operation, FullyConnected):
      changes['weights'] = kernel[0, 0]
    else:
      rows, cols = (_spread(operation.window, kernels, k, axis) for axis in (0, 1))
      changes['window'] = Window(
        kernel.shape[:2], (rows[0], cols[0]), (rows[1], cols[1]), same=operation.window.same
      )
    found.append(dataclasses.replace(operation, **changes))
  return found


def _spread(window: Window, kernels: Kernels, number: int, axis: int) -> tuple[int, int]:
  """Stride and dilation of a factor along an axis: of the one that has the kernel there."""
  sizes = [kernel.shape[axis] for kernel in kernels]
  has_it = number == int(np.argmax(sizes))
  return (window.stride[axis], window.dilation[axis]) if has_it else (1, 1)


def in_model(model: Any, replaced: Mapping[int, tuple[Use, Kernels]]) -> Any:
  """A new Keras model with factors in the place of layers, and all other weights.

  Args:
    model: Left alone.
    replaced: By the `id` of the layer.
  """

  def make(layer: Any) -> Sequence[Any]:
    if id(layer) not in replaced:
      return [copied(layer)]
    use, kernels = replaced[id(layer)]
    return [_layer(use, kernels, k) for k in range(len(kernels))]

  made, layers = clone(model, make)
  for old, new in layers.values():
    if id(old) not in replaced:
      for theirs, ours in zip(old.weights, new[0].weights):
        ours.assign(theirs)
      continue
    for layer, kernel in zip(new, replaced[id(old)][1]):
      layer.kernel.assign(kernel.reshape(tuple(layer.kernel.shape)))
    if old.use_bias:
      new[-1].bias.assign(old.bias)
  return made


def _layer(use: Use, kernels: Kernels, number: int) -> Any:
  """The Keras layer of a factor; the last one has the bias and the activation."""
  config = use.layer.get_config()
  node, kernel = node_of(use), kernels[number]
  assert node is not None
  config['name'] = f'{use.layer.name}_{number}'
  config['units' if use.kind == 'Dense' else 'filters'] = kernel.shape[3]
  if use.kind != 'Dense':
    window = node.operation.window  # type: ignore[attr-defined]
    axes = (0,) if use.kind == 'Conv1D' else (0, 1)
    spread = [_spread(window, kernels, number, axis) for axis in axes]
    config['kernel_size'] = tuple(kernel.shape[axis] for axis in axes)
    config['strides'] = tuple(stride for stride, _ in spread)
    config['dilation_rate'] = tuple(dilation for _, dilation in spread)
  if number < len(kernels) - 1:
    config.update(use_bias=False, activation='linear', activity_regularizer=None)
  return type(use.layer).from_config(config)
