# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Graph convolution (Kipf and Welling, ICLR 2017) on a graph that does not change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tflm_patch.models.layers.base import CompositeLayer, composite


@composite
class GraphConvolution(CompositeLayer):
  """act(A (x W + b)), where A = D^-1/2 (E + I) D^-1/2 of the graph's edges E.

  Edges go both ways, and every node is its own neighbour; D has the sums of rows. The bias is
  added before the sums over neighbours, in the dense layer of every node.

  Args:
    units: Channels of the result.
    edges: int [n, 2], pairs of nodes.
    activation: By Keras' names.
    use_bias: Whether there is b.

  Call: float32[n, nodes, d] to float32[n, nodes, units].

  Raises:
    ValueError: an edge names a node that is not there, or is no pair.
  """

  settings = ('units', 'edges', 'activation', 'use_bias')

  def __init__(
    self,
    units: int,
    edges: Sequence[Sequence[int]] | np.ndarray,
    activation: str | None = None,
    use_bias: bool = True,
    **kwargs: Any,
  ) -> None:
    super().__init__(**kwargs)
    pairs = np.asarray(edges)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in 'iu':
      raise ValueError(
        f'edges are pairs of nodes, integers of shape [n, 2], not {pairs.dtype} '
        f'{list(pairs.shape)}; give np.array([[0, 1], [1, 2]])'
      )
    self.units, self.activation, self.use_bias = units, activation, use_bias
    self.edges = pairs.tolist()
    self.dense = keras.layers.Dense(units, use_bias=use_bias, name='dense')
    self.activate = None if activation is None else keras.layers.Activation(activation)

  def build(self, shape: Any) -> None:
    if len(shape) != 3 or shape[1] is None:
      raise ValueError(
        f'the input of a graph convolution is [batch, nodes, channels] with a fixed number of '
        f'nodes, not {list(shape)}'
      )
    self.dense.build(shape)
    self._adjacency = normalized_adjacency(np.asarray(self.edges), int(shape[1]))
    self.built = True

  def call(self, x: Any) -> Any:
    sums = ops.matmul(self._adjacency, self.dense(x))
    return sums if self.activate is None else self.activate(sums)

  def compute_output_shape(self, shape: Any) -> Any:
    return (*shape[:-1], self.units)


def normalized_adjacency(edges: np.ndarray, nodes: int) -> np.ndarray:
  """float32 [nodes, nodes], D^-1/2 (E + I) D^-1/2.

  Args:
    edges: int [n, 2], pairs of nodes, in either direction.
    nodes: How many there are.

  Raises:
    ValueError: an edge names a node that is not there.
  """
  if edges.size and (edges.min() < 0 or edges.max() >= nodes):
    raise ValueError(
      f'an edge names node {edges.min() if edges.min() < 0 else edges.max()}; '
      f'there are nodes 0 to {nodes - 1}'
    )
  linked = np.eye(nodes)
  linked[edges[:, 0], edges[:, 1]] = 1
  linked[edges[:, 1], edges[:, 0]] = 1
  root = np.sqrt(linked.sum(axis=1))
  return (linked / np.outer(root, root)).astype(np.float32)
