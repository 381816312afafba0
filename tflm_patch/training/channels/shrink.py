# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The float network without some of its channels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tflm_patch.quantization.network import Network, Node, Shape, Value
from tflm_patch.quantization.operators.affine import Affine
from tflm_patch.quantization.operators.base import Operation
from tflm_patch.quantization.operators.conv import Conv2D
from tflm_patch.quantization.operators.depthwise_conv import DepthwiseConv2D
from tflm_patch.quantization.operators.fully_connected import FullyConnected
from tflm_patch.quantization.operators.reshape import Reshape
from tflm_patch.quantization.operators.transpose_conv import TransposeConv
from tflm_patch.training.channels.model_channels import ModelChannels


@dataclasses.dataclass(frozen=True)
class _Kept:
  """What stays of a node's channels.

  Attributes:
    inputs, outputs: Indices of channels.
  """

  inputs: np.ndarray
  outputs: np.ndarray


def shrunk(channels: ModelChannels, gone: set[int]) -> Network:
  """The network of a model without the atoms that are gone; the model's is left alone."""
  made: dict[int, Value] = {}

  def kept(value: Value) -> np.ndarray:
    return channels.kept(value, gone)

  def smaller(value: Value) -> Value:
    if id(value) not in made:
      constant = None if value.constant is None else value.constant[..., kept(value)]
      shape = (*value.shape[:-1], kept(value).size)
      made[id(value)] = Value(shape, value.name, constant)
    return made[id(value)]

  network = channels.network
  inputs = [smaller(value) for value in network.inputs]
  nodes = []
  for node in network.nodes:
    sources = tuple(smaller(value) for value in node.inputs)
    operation = _cut(node, _Kept(kept(node.input), kept(node.output)))
    made[id(node.output)] = Value(
      operation.output_shape([value.shape for value in sources]), node.output.name
    )
    nodes.append(Node(operation, sources, made[id(node.output)], node.name))
  return Network(inputs, [made[id(value)] for value in network.outputs], nodes)


def _cut(node: Node, kept: _Kept) -> Operation:
  cut = _CUTS.get(type(node.operation))
  return node.operation if cut is None else cut(node, kept)


def _conv(node: Node, kept: _Kept) -> Operation:
  operation: Any = node.operation
  if operation.weights.shape[2] != node.input.channels:
    return node.operation  # in groups: nothing of it goes
  weights = operation.weights[:, :, kept.inputs][..., kept.outputs]
  return dataclasses.replace(operation, weights=weights, bias=operation.bias[kept.outputs])


def _transpose_conv(node: Node, kept: _Kept) -> Operation:
  operation: Any = node.operation
  weights = operation.weights[:, :, kept.outputs][..., kept.inputs]
  return dataclasses.replace(operation, weights=weights, bias=operation.bias[kept.outputs])


def _fully_connected(node: Node, kept: _Kept) -> Operation:
  operation: Any = node.operation
  weights = operation.weights[kept.inputs][:, kept.outputs]
  return dataclasses.replace(operation, weights=weights, bias=operation.bias[kept.outputs])


def _depthwise(node: Node, kept: _Kept) -> Operation:
  operation: Any = node.operation
  weights = operation.weights[:, :, kept.inputs]
  return dataclasses.replace(operation, weights=weights, bias=operation.bias[kept.outputs])


def _affine(node: Node, kept: _Kept) -> Operation:
  operation: Any = node.operation
  return dataclasses.replace(
    operation, scale=operation.scale[kept.inputs], shift=operation.shift[kept.inputs]
  )


def _reshape(node: Node, kept: _Kept) -> Operation:
  assert isinstance(node.operation, Reshape)
  shape: Shape = (*node.operation.shape[:-1], kept.outputs.size)
  return dataclasses.replace(node.operation, shape=shape)


_CUTS: dict[type, Callable[[Node, _Kept], Operation]] = {
  Affine: _affine,
  Conv2D: _conv,
  DepthwiseConv2D: _depthwise,
  FullyConnected: _fully_connected,
  Reshape: _reshape,
  TransposeConv: _transpose_conv,
}
