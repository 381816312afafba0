# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The loss of a student against what its teacher says."""

from __future__ import annotations

from typing import Any

from keras import ops

_TINY = 1e-7


def soft_label_loss(teacher: Any, student: Any, temperature: float, probability: bool) -> Any:
  """T^2 KL(softmax(teacher / T) || softmax(student / T)), the mean over the batch.

  Hinton et al., arXiv 1503.02531. The factor keeps gradients as large as those of labels.

  Args:
    teacher, student: float32[n, ..., classes].
    temperature: T.
    probability: They are probabilities, whose logarithms stand for the scores: softmax
      gives the same for both.
  """
  if probability:
    teacher, student = (ops.log(ops.maximum(each, _TINY)) for each in (teacher, student))
  wanted = ops.log_softmax(teacher / temperature, axis=-1)
  found = ops.log_softmax(student / temperature, axis=-1)
  divergence = ops.sum(ops.exp(wanted) * (wanted - found), axis=-1)
  return temperature**2 * ops.mean(divergence)
