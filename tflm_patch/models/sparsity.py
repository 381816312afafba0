# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Iterative hard thresholding, as Bonsai, ProtoNN and FastGRNN are trained with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


class HardThresholding(keras.callbacks.Callback):
  """Makes weights sparse in three phases: dense, thresholded, fixed.

  In the second phase all but the largest values of each weight become 0 after every epoch,
  and may come back; in the third the zeros of its end stay after every batch. What is left
  are dense int8 weights with many zeros: TFLM and stages store them dense.

  Args:
    density: Part of a name in a weight's path -> the part of its values that stays, above 0.
    start, stop: Epochs at which the second and the third phase begin.
  """

  def __init__(self, density: Mapping[str, float], start: int, stop: int) -> None:
    super().__init__()
    if not 0 <= start < stop or any(not 0 < part <= 1 for part in density.values()):
      raise ValueError('give densities above 0 and up to 1, and 0 <= start < stop')
    self.density, self.start, self.stop = dict(density), start, stop
    self._masks: dict[str, np.ndarray] = {}
    self._epoch = 0

  def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
    del logs
    self._epoch = epoch

  def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
    del logs
    if self.start <= epoch < self.stop:
      self._sync()
      for weight, density in self._weights():
        values = np.asarray(keras.ops.convert_to_numpy(weight))
        self._masks[weight.path] = largest(values, density)
        weight.assign(values * self._masks[weight.path])

  def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
    del batch, logs
    if self._epoch >= self.stop:
      self._sync()
      for weight, _ in self._weights():
        weight.assign(weight * keras.ops.cast(self._masks[weight.path], weight.dtype))

  def _sync(self) -> None:
    """Under JAX weights live in the trainer's state until they are asked for."""
    sync = getattr(self.model, 'jax_state_sync', None)
    if sync is not None:
      sync()

  def _weights(self) -> list[tuple[Any, float]]:
    found = []
    for weight in self.model.trainable_weights:
      parts = [part for name, part in self.density.items() if name in weight.path]
      if parts:
        found.append((weight, min(parts)))
    return found


def largest(values: np.ndarray, density: float) -> np.ndarray:
  """bool of the shape of `values`: the part of them with the largest absolute values."""
  kept = max(1, round(density * values.size))
  order = np.argsort(-np.abs(values).reshape(-1), kind='stable')
  mask = np.zeros(values.size, bool)
  mask[order[:kept]] = True
  return mask.reshape(values.shape)
