# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ZiCo (arXiv 2301.11300): how large and how steady the first gradients are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tflm_patch.architecture.spec import Spec
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.fitness import Effort
from tflm_patch.nas.proxies.gradients import gradients
from tflm_patch.nas.proxies.untrained import batches, untrained
from tflm_patch.training import backend
from tflm_patch.training.data.dataset import Task
from tflm_patch.training.detection.loss import detection_loss

_BATCHES = 2  # the paper's number
_TINY = 1e-12


class Zico:
  """Sum over layers of log(sum over weights of mean |g| / deviation of g), over batches.

  Args:
    data: Examples.
  """

  def __init__(self, data: SearchData) -> None:
    self._data = data

  def evaluate(self, specs: Sequence[Spec], budget: Effort) -> list[float]:
    """See `Fitness`.

    Raises:
      TflmPatchError: the backend has no gradients that are known here.
      EnvironmentMissing: Keras or a backend is not installed.
    """
    return [self._one(spec, budget) for spec in specs]

  def _one(self, spec: Spec, budget: Effort) -> float:
    keras = backend.prepare(budget.threads)
    task = self._data.divided(spec.input_shape).task
    with untrained(spec, budget) as model:
      kernels = [k for k, each in enumerate(model.trainable_variables) if len(each.shape) > 1]
      found = []
      for inputs, targets in batches(self._data, spec, budget, _BATCHES):

        def loss(outputs: object, targets: np.ndarray = targets) -> object:
          if task is Task.DETECTION:
            return keras.ops.mean(detection_loss(targets, outputs))
          if task is Task.CLASSIFICATION:
            crossed = keras.losses.categorical_crossentropy(targets, outputs, from_logits=True)
            return keras.ops.mean(crossed)
          return keras.ops.mean(keras.ops.square(outputs - targets))

        each = gradients(model, inputs, loss, training=True)
        found.append([each[k] for k in kernels])
    return sum(_layer(np.stack(layer)) for layer in zip(*found))


def _layer(found: np.ndarray) -> float:
  """Of gradients [batches, ...]."""
  steady = np.abs(found).mean(axis=0) / np.maximum(found.std(axis=0), _TINY)
  total = float(steady[found.std(axis=0) > _TINY].sum())
  return math.log(total) if total > 0 else 0.0
