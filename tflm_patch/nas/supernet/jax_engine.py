# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Masked sub-networks on JAX: one program for each resolution, at the cost of the largest."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from tflm_patch.architecture.spec import Pair
from tflm_patch.nas.supernet.engine import Loss
from tflm_patch.training import resolution
from tflm_patch.training.elastic.network import ElasticNetwork


class JaxEngine:
  """See `Engine`.

  Args:
    network: Masked.
    loss: What is learned from.
  """

  def __init__(self, network: ElasticNetwork, loss: Loss) -> None:
    self._network, self._loss = network, loss
    self._sums: list[Any] | None = None
    self._gradients = jax.jit(jax.value_and_grad(self._loss_of, has_aux=True))
    self._outputs = jax.jit(self._outputs_of, static_argnames='statistics')

  def gradients(
    self,
    images: np.ndarray,
    targets: np.ndarray,
    table: np.ndarray,
    size: Pair,
    teacher: np.ndarray | None,
    soft: float,
  ) -> tuple[float, np.ndarray]:
    """See `Engine`."""
    share = 0.0 if teacher is None or self._loss.boxes else soft
    labels = self._loss.labels(targets, teacher)
    trained, others = self._values()
    read = self._resized(images, size)
    (loss, outputs), found = self._gradients(trained, others, read, targets, table, labels, share)
    if self._sums is not None:
      found = [a + b for a, b in zip(self._sums, found)]
    self._sums = found
    return float(loss), np.asarray(outputs)

  def step(self, optimizer: Any, count: int) -> None:
    """See `Engine`."""
    assert self._sums is not None
    mean = [each / count for each in self._sums]
    optimizer.apply(mean, self._network.trainable_weights)
    self._sums = None

  def run(self, images: np.ndarray, table: np.ndarray, size: Pair, statistics: bool) -> np.ndarray:
    """See `Engine`."""
    trained, others = self._values()
    read = self._resized(images, size)
    outputs, kept = self._outputs(trained, others, read, table, statistics=statistics)
    if statistics:
      for variable, value in zip(self._network.non_trainable_variables, kept):
        variable.assign(value)
    return np.asarray(outputs)

  def _values(self) -> tuple[list[Any], list[Any]]:
    network = self._network
    variables = network.trainable_weights, network.non_trainable_variables
    trained, others = ([each.value for each in group] for group in variables)
    return trained, others

  def _resized(self, images: np.ndarray, size: Pair) -> Any:
    return resolution.in_size(images, size) if images.ndim == 4 else images

  def _loss_of(
    self, trained: Any, others: Any, images: Any, targets: Any, table: Any, teacher: Any, soft: Any
  ) -> tuple[Any, Any]:
    with self._network.momentum(1.0):
      outputs, _ = self._network.stateless_call(trained, others, [images, table], training=True)
    hard = self._loss.hard(targets, outputs)
    return (1 - soft) * hard + soft * self._loss.soft(teacher, outputs), outputs

  def _outputs_of(
    self, trained: Any, others: Any, images: Any, table: Any, statistics: bool
  ) -> tuple[Any, Any]:
    with self._network.momentum(0.0):
      outputs, kept = self._network.stateless_call(
        trained, others, [images, table], training=statistics
      )
    return outputs, kept
