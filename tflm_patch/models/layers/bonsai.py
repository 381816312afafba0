# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Bonsai (Kumar et al., ICML 2017): one shallow tree in a learned low-dimensional space."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from tflm_patch.models.layers.base import CompositeLayer, composite

# Of the routing in inference: between 0 and 1 within half of 1 / SLOPE around a border.
SLOPE = 1024.0


@composite
class Bonsai(CompositeLayer):
  """Scores of classes from the nodes on a point's path through a tree.

  y(x) = sum_k I_k(x) (W_k Z x) * tanh(sigma V_k Z x), where I_k is 1 for the nodes on the
  path of x from the root: at an inner node j it goes left when theta_j Z x > 0. In training
  each turn is (1 + tanh(s theta_j Z x)) / 2 with a sharpness s that grows; in inference all
  nodes are computed, and the turns are clip(1024 theta_j Z x + 1/2, 0, 1): a saturating
  dense layer in int8, for each level of the tree one.

  Args:
    classes: Number of classes.
    projection: Dimensions of Z x.
    depth: Of the tree: 2^depth leaves, 2^(depth + 1) - 1 nodes.
    sigma: Of the tanh of the nodes.

  Call: float32[n, d] to float32[n, classes], scores (logits for the loss).
  """

  settings = ('classes', 'projection', 'depth', 'sigma')

  def __init__(
    self, classes: int, projection: int = 10, depth: int = 2, sigma: float = 1.0, **kwargs: Any
  ) -> None:
    super().__init__(**kwargs)
    if depth < 1:
      raise ValueError(f'a tree of depth {depth}; give 1 or more')
    self.classes, self.projection, self.depth, self.sigma = classes, projection, depth, sigma
    self.nodes = 2 ** (depth + 1) - 1
    self.project = keras.layers.Dense(projection, use_bias=False, name='project')
    self.scores = keras.layers.Dense(classes * self.nodes, use_bias=False, name='scores')
    self.gates = keras.layers.Dense(classes * self.nodes, use_bias=False, name='gates')
    self.turns = [_Turns(depth, level, name=f'turns_{level}') for level in range(depth)]
    self.sum = keras.layers.Conv2D(
      1, 1, use_bias=False, kernel_initializer='ones', trainable=False, name='sum'
    )

  def build(self, shape: Any) -> None:
    self.project.build(shape)
    reduced = (shape[0], self.projection)
    for layer in (self.scores, self.gates, *self.turns):
      layer.build(reduced)
    self.sum.build((shape[0], self.classes, 1, self.nodes))
    self.sharpness = self.add_weight(
      shape=(), initializer='ones', trainable=False, name='sharpness'
    )
    self.built = True

  def call(self, x: Any, training: bool = False) -> Any:
    z = self.project(x)
    gates = self.gates(z)
    if self.sigma != 1:
      gates = self.sigma * gates
    each = self.scores(z) * ops.tanh(gates)
    path = None
    for turns in self.turns:
      turn = turns.soft(z, self.sharpness) if training else ops.clip(turns(z), 0.0, 1.0)
      path = turn if path is None else path * turn
    each = ops.reshape(each, (-1, self.classes, 1, self.nodes))
    chosen = each * ops.reshape(path, (-1, 1, 1, self.nodes))
    return ops.reshape(self.sum(chosen), (-1, self.classes))

  def compute_output_shape(self, shape: Any) -> Any:
    return (shape[0], self.classes)


@keras.saving.register_keras_serializable('tflm_patch')
class _Turns(keras.layers.Layer):
  """1 for the nodes that a point reaches from its path's node of a level, or that lie above.

  Nodes are numbered level by level, the children of k are 2 k + 1 and 2 k + 2. A dense layer
  with derived weights: node k's are +theta_j or -theta_j of its ancestor j of that level.

  Args:
    depth: Of the tree.
    level: Whose nodes turn.
  """

  use_bias = True
  activation = None

  def __init__(self, depth: int, level: int, **kwargs: Any) -> None:
    super().__init__(**kwargs)
    self.signs = self._signs(depth, level)

  @staticmethod
  def _signs(depth: int, level: int) -> np.ndarray:
    """float32[nodes of the level, all nodes]: 1 left of it, -1 right of it, else 0."""
    first = 2**level - 1
    signs = np.zeros((first + 1, 2 ** (depth + 1) - 1), np.float32)
    for node in range(signs.shape[1]):
      at = node
      while at > 2 * first:
        parent = (at - 1) // 2
        if parent <= 2 * first:
          signs[parent - first, node] = 1 if at % 2 else -1
        at = parent
    return signs

  def build(self, shape: Any) -> None:
    self.theta = self.add_weight(
      shape=(shape[-1], self.signs.shape[0]), initializer='glorot_uniform', name='theta'
    )
    self.built = True

  @property
  def kernel(self) -> Any:
    """float32[d, nodes]."""
    return SLOPE * ops.matmul(self.theta, ops.convert_to_tensor(self.signs))

  @property
  def bias(self) -> Any:
    """float32[nodes]: a half where there is a turn, 1 for the nodes above."""
    return ops.convert_to_tensor(1 - np.abs(self.signs).sum(axis=0) / 2)

  def call(self, z: Any) -> Any:
    return ops.matmul(z, self.kernel) + self.bias

  def soft(self, z: Any, sharpness: Any) -> Any:
    """The same with tanh, for training."""
    turn = ops.tanh(sharpness * ops.matmul(z, self.theta))
    half = ops.matmul(turn, ops.convert_to_tensor(self.signs)) / 2
    return half + self.bias

  def compute_output_shape(self, shape: Any) -> Any:
    return (shape[0], self.signs.shape[1])


class RoutingSchedule(keras.callbacks.Callback):
  """Lets the routing of all Bonsai layers of a model become sharp while it is trained.

  Args:
    epochs: After so many it is at its sharpest.
    first, last: Sharpness; it grows by an equal factor each epoch.
  """

  def __init__(self, epochs: int, first: float = 0.5, last: float = 64.0) -> None:
    super().__init__()
    self.epochs, self.first, self.last = epochs, first, last

  def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
    del logs
    part = min(1.0, epoch / max(1, self.epochs - 1))
    sync = getattr(self.model, 'jax_state_sync', None)  # under JAX weights live elsewhere
    if sync is not None:
      sync()
    for layer in self.model._flatten_layers():
      if isinstance(layer, Bonsai):
        layer.sharpness.assign(self.first * (self.last / self.first) ** part)


def _register() -> None:
  from tflm_patch.quantization.layers.dense import dense
  from tflm_patch.quantization.layers.registry import register_layer

  register_layer(_Turns, dense)


_register()
