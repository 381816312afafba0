# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Losses and their gradients with respect to the logits' integers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tflm_patch.on_device.scheme import Loss

# Of real logits [n, k] and targets: the loss of every sample [n], and gradients [n, k].
Compute = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Of softmax, in nats; labels are class numbers [n]."""
  less = logits - logits.max(axis=1, keepdims=True)
  exps = np.exp(less)
  sums = exps.sum(axis=1, keepdims=True)
  rows = np.arange(len(labels))
  gradient = exps / sums
  gradient[rows, labels] -= 1
  return np.log(sums[:, 0]) - less[rows, labels], gradient


def mean_squared_error(outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Mean over the outputs of a sample; targets are real [n, k]."""
  error = outputs - targets.reshape(outputs.shape)
  return (error**2).mean(axis=1), 2 * error / outputs.shape[1]


LOSSES: dict[Loss, Compute] = {
  Loss.CROSS_ENTROPY: cross_entropy,
  Loss.MEAN_SQUARED_ERROR: mean_squared_error,
}
