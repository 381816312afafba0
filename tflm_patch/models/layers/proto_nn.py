# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ProtoNN (Gupta et al., ICML 2017): prototypes in a learned low-dimensional space."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tflm_patch.models.layers.base import CompositeLayer, composite


@composite
class ProtoNN(CompositeLayer):
  """Scores of classes from the distances to prototypes.

  The published scores are sum_j Z_j exp(-gamma^2 |W x - B_j|^2). The distance is expanded,
  |W x|^2 - 2 B_j W x + |B_j|^2, and the first term, the same for all prototypes, leaves with
  the normalization to a sum of 1: sum_j Z_j softmax_j(2 gamma^2 B_j W x - gamma^2 |B_j|^2).
  The scores are those of the paper but for a positive factor, so that the best class is the
  same; int8 models compute a dense layer, a dense layer, SOFTMAX, and a dense layer.

  Args:
    classes: Number of classes.
    projection: Dimensions of W x.
    prototypes: How many.
    gamma: Initial width of the kernel; it is learned.

  Call: float32[n, d] to float32[n, classes], scores (logits for the loss).
  """

  settings = ('classes', 'projection', 'prototypes', 'gamma')

  def __init__(
    self,
    classes: int,
    projection: int = 10,
    prototypes: int = 20,
    gamma: float = 1.0,
    **kwargs: Any,
  ) -> None:
    super().__init__(**kwargs)
    self.classes, self.projection, self.prototypes = classes, projection, prototypes
    self.gamma = gamma
    self.project = keras.layers.Dense(projection, use_bias=False, name='project')
    self.similarity = _Similarity(prototypes, gamma, name='similarity')
    self.labels = keras.layers.Dense(classes, use_bias=False, name='labels')

  def build(self, shape: Any) -> None:
    self.project.build(shape)
    self.similarity.build((shape[0], self.projection))
    self.labels.build((shape[0], self.prototypes))
    self.built = True

  def call(self, x: Any) -> Any:
    return self.labels(ops.softmax(self.similarity(self.project(x))))

  def compute_output_shape(self, shape: Any) -> Any:
    return (shape[0], self.classes)

  def place_prototypes(self, points: Any, labels: Any) -> None:
    """Puts the prototypes on points of the input space; training is much faster from there.

    Args:
      points: float32[prototypes, d].
      labels: int[prototypes], their classes.
    """
    projected = self.project(ops.convert_to_tensor(points, 'float32'))
    self.similarity.prototypes.assign(projected)
    self.labels.kernel.assign(ops.one_hot(ops.convert_to_tensor(labels), self.classes))


@keras.saving.register_keras_serializable('tflm_patch')
class _Similarity(keras.layers.Layer):
  """2 gamma^2 B z - gamma^2 |B|^2; a dense layer with derived weights."""

  use_bias = True
  activation = None

  def __init__(self, count: int, gamma: float, **kwargs: Any) -> None:
    super().__init__(**kwargs)
    self.count, self.initial = count, gamma

  def build(self, shape: Any) -> None:
    self.prototypes = self.add_weight(
      shape=(self.count, shape[-1]), initializer='random_normal', name='prototypes'
    )
    self.gamma = self.add_weight(
      shape=(), initializer=keras.initializers.Constant(self.initial), name='gamma'
    )
    self.built = True

  @property
  def kernel(self) -> Any:
    """float32[d, prototypes], as of a dense layer."""
    return 2 * ops.square(self.gamma) * ops.transpose(self.prototypes)

  @property
  def bias(self) -> Any:
    """float32[prototypes]."""
    return -ops.square(self.gamma) * ops.sum(ops.square(self.prototypes), axis=-1)

  def call(self, z: Any) -> Any:
    return ops.matmul(z, self.kernel) + self.bias

  def compute_output_shape(self, shape: Any) -> Any:
    return (shape[0], self.count)


def _register() -> None:
  from tflm_patch.quantization.layers.dense import dense
  from tflm_patch.quantization.layers.registry import register_layer

  register_layer(_Similarity, dense)


_register()
