# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a backend of Keras does for a supernet."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import numpy as np

from tflm_patch.architecture.spec import Pair
from tflm_patch.errors import TflmPatchError
from tflm_patch.training.detection.loss import detection_loss
from tflm_patch.training.elastic.network import ElasticNetwork

SLICED_BACKEND = 'tensorflow'


@dataclasses.dataclass(frozen=True)
class Loss:
  """What a sub-network learns from.

  Attributes:
    probability: Outputs are probabilities.
    classes: Whether targets are classes; else numbers.
    boxes: Targets are boxes, as `training.detection.boxes` has them, and outputs are maps; maps
      of small images have fewer cells than the largest network's, which so says nothing to them.
    smoothing: Of the targets of classes.
    temperature: Of soft labels.
  """

  probability: bool = False
  classes: bool = True
  smoothing: float = 0.0
  temperature: float = 1.0
  boxes: bool = False

  def hard(self, targets: Any, outputs: Any) -> Any:
    """Against the targets, the mean over the batch."""
    import keras

    if self.boxes:
      return keras.ops.mean(detection_loss(targets, outputs))
    if not self.classes:
      return keras.ops.mean(keras.ops.square(targets - outputs))
    loss = keras.losses.CategoricalCrossentropy(
      from_logits=not self.probability, label_smoothing=self.smoothing
    )
    return loss(targets, outputs)

  def labels(self, targets: np.ndarray, teacher: np.ndarray | None) -> np.ndarray:
    """Soft labels for a step; zeros where nothing is learned from them."""
    return np.zeros_like(targets) if teacher is None or self.boxes else teacher

  def soft(self, teacher: Any, outputs: Any) -> Any:
    """Against what the largest network says; 0 of detectors."""
    import keras

    from tflm_patch.training.soft_labels import soft_label_loss

    if self.boxes:
      return 0.0
    if not self.classes:
      return keras.ops.mean(keras.ops.square(teacher - outputs))
    return soft_label_loss(teacher, outputs, self.temperature, self.probability)


class Engine(Protocol):
  """Runs and trains sub-networks of an `ElasticNetwork`.

  Images come in the size of the largest network, and are resized.
  """

  def gradients(
    self,
    images: np.ndarray,
    targets: np.ndarray,
    table: np.ndarray,
    size: Pair,
    teacher: np.ndarray | None,
    soft: float,
  ) -> tuple[float, np.ndarray]:
    """Adds the gradients of a sub-network to those of the step.

    Args:
      images: float32[n, rows, columns, channels].
      targets: float32[n, outputs], or boxes.
      table: The sub-network.
      size: Rows and columns of its input.
      teacher: Outputs of the largest network, soft labels; None for none.
      soft: Their share of the loss.

    Returns:
      The loss, and the outputs, float32[n, outputs]; of detectors [n, rows, columns, outputs].
    """
    ...

  def step(self, optimizer: Any, count: int) -> None:
    """Applies the mean of the gradients of `count` sub-networks."""
    ...

  def run(self, images: np.ndarray, table: np.ndarray, size: Pair, statistics: bool) -> np.ndarray:
    """The outputs of a sub-network, as `gradients` gives them.

    Args:
      images, table, size: As for `gradients`.
      statistics: Normalize by the statistics of this batch, and keep them.
    """
    ...


def engine_of(network: ElasticNetwork, loss: Loss) -> Engine:
  """The engine of Keras' backend.

  Raises:
    TflmPatchError: there is none.
  """
  import keras

  backend = keras.backend.backend()
  if backend == SLICED_BACKEND:
    from tflm_patch.nas.supernet.tensorflow_engine import TensorFlowEngine

    return TensorFlowEngine(network, loss)
  if backend == 'jax':
    from tflm_patch.nas.supernet.jax_engine import JaxEngine

    return JaxEngine(network, loss)
  raise TflmPatchError(
    f'supernets run on tensorflow (fast) and jax, not on {backend}; set KERAS_BACKEND'
  )
