# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""int8 weights and biases of all nodes at once, as `operators.weights` makes them.

All channels, and all weights, of a network lie in one vector each: a graph of a few
operations serves every layer.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from keras import ops

from tflm_patch.quantization.network import Node
from tflm_patch.quantization.operators.base import Operation
from tflm_patch.quantization.operators.conv import Conv2D
from tflm_patch.quantization.operators.depthwise_conv import DepthwiseConv2D
from tflm_patch.quantization.operators.fully_connected import FullyConnected
from tflm_patch.quantization.operators.transpose_conv import TransposeConv
from tflm_patch.quantization.operators.weights import BIAS_LIMITS
from tflm_patch.training.quantization_aware.multipliers import nearest, nearest_of_product
from tflm_patch.training.quantization_aware.rounding import straight_through

# Dimensions of the weights that are not output channels.
_AXES: dict[type[Operation], tuple[int, ...]] = {
  Conv2D: (0, 1, 2),
  DepthwiseConv2D: (0, 1),
  FullyConnected: (0,),
  TransposeConv: (0, 1, 3),
}


@dataclasses.dataclass(frozen=True)
class IntegerWeights:
  """Integers in float32, and their scales [output channels]."""

  weights: Any
  bias: Any
  scales: Any


class Source(Protocol):
  """What weights are computed from."""

  training: bool
  per_channel: bool

  def weight(self, node: Node, name: str) -> Any: ...

  def input_scale(self, node: Node) -> Any: ...

  def divisor(self, value: int) -> Any: ...


class WeightLayout:
  """Where the weights and channels of every node lie."""

  def __init__(self, nodes: Sequence[Node]) -> None:
    self.nodes = [node for node in nodes if type(node.operation) in _AXES]
    shapes = [_weights_of(node).shape for node in self.nodes]
    channels = [_weights_of(node, 'bias').size for node in self.nodes]
    self._shapes = dict(zip(self.nodes, shapes))
    self._weights = _spans([int(np.prod(shape)) for shape in shapes])
    self._channels = _spans(channels)
    # The node of every channel, and the channel of every weight.
    self._node_of = np.repeat(np.arange(len(channels)), channels).astype(np.int32)
    self._channel_of = np.concatenate(
      [_channel_of(*each) for each in zip(self.nodes, shapes, self._channels)]
      or [np.zeros(0, np.int32)]
    )

  def integers(self, source: Source) -> dict[Node, IntegerWeights]:
    """Of every node."""
    if not self.nodes:
      return {}
    tensors = [source.weight(node, 'weights') for node in self.nodes]
    weights = ops.concatenate([ops.reshape(each, (-1,)) for each in tensors])
    bias = ops.concatenate([source.weight(node, 'bias') for node in self.nodes])
    inputs = ops.take(ops.stack([source.input_scale(node) for node in self.nodes]), self._node_of)
    scales = ops.stop_gradient(self._scales(source, tensors, ops.abs(bias) / inputs))
    of_weights = ops.take(scales, self._channel_of)
    if source.training:
      exact, exact_bias = weights / of_weights, bias / (inputs * scales)
      weights = straight_through(ops.clip(ops.round(exact), -127, 127), exact)
      bias = straight_through(ops.round(exact_bias), exact_bias)
    else:
      weights = ops.clip(nearest(weights, scales, self._channel_of), -127, 127)
      bias = nearest_of_product(bias, inputs, scales)
    return {
      node: IntegerWeights(
        ops.reshape(weights[slice(*place)], self._shapes[node]),
        bias[slice(*span)],
        scales[slice(*span)],
      )
      for node, place, span in zip(self.nodes, self._weights, self._channels)
    }

  def _scales(self, source: Source, tensors: Sequence[Any], bias_steps: Any) -> Any:
    """[channels]: largest weights / 127; a bias leaves half of its range."""
    largest = [
      ops.reshape(ops.max(ops.abs(each), axis=_AXES[type(node.operation)]), (-1,))
      for node, each in zip(self.nodes, tensors)
    ]
    usual = ops.take(ops.stack([ops.max(each) for each in largest]), self._node_of)
    joined = ops.concatenate(largest) if source.per_channel else usual
    usual = ops.where(usual > 0, usual, 1.0)
    scales = ops.where(joined > 0, joined, usual) / source.divisor(127)
    scales = ops.maximum(scales, bias_steps * (1 / BIAS_LIMITS[False]))
    if source.per_channel:
      return scales
    of_nodes = [ops.max(scales[slice(*span)]) for span in self._channels]
    return ops.take(ops.stack(of_nodes), self._node_of)


def _weights_of(node: Node, name: str = 'weights') -> np.ndarray:
  return np.asarray(getattr(node.operation, name))


def _spans(sizes: Sequence[int]) -> list[tuple[int, int]]:
  ends = np.cumsum([0, *sizes]).tolist()
  return list(itertools.pairwise(ends))


def _channel_of(node: Node, shape: tuple[int, ...], span: tuple[int, int]) -> np.ndarray:
  """int32, the channel of every weight of a node."""
  axes = _AXES[type(node.operation)]
  kept = [1 if axis in axes else size for axis, size in enumerate(shape)]
  ids = np.arange(*span, dtype=np.int32).reshape(kept)
  return np.broadcast_to(ids, shape).reshape(-1)
