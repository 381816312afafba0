# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Gradients of untrained networks, under the backends of Keras that have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError

Loss = Callable[[Any], Any]  # of the network's output, a scalar


def gradients(model: Any, inputs: np.ndarray, loss: Loss, training: bool) -> list[np.ndarray]:
  """Gradients of a loss by the trainable variables, in their order.

  Args:
    model: A Keras model; its moving averages stay as they are under JAX, and are of no
      further use elsewhere.
    inputs: A batch.
    loss: Of the outputs; written with `keras.ops`.
    training: Whether normalization uses the batch.

  Raises:
    TflmPatchError: the backend has no gradients that are known here.
  """
  import keras

  name = keras.backend.backend()
  if name not in _BY_BACKEND:
    raise TflmPatchError(
      f'gradients of untrained networks are not known under {name}; set KERAS_BACKEND=tensorflow'
    )
  found = _BY_BACKEND[name](model, inputs, loss, training)
  return [np.asarray(each, np.float64) for each in found]


def _tensorflow(model: Any, inputs: np.ndarray, loss: Loss, training: bool) -> list[Any]:
  import tensorflow

  weights = [each.value for each in model.trainable_variables]
  with tensorflow.GradientTape() as tape:
    value = loss(model(inputs, training=training))
  return list(tape.gradient(value, weights))


def _jax(model: Any, inputs: np.ndarray, loss: Loss, training: bool) -> list[Any]:
  import jax

  fixed = [each.value for each in model.non_trainable_variables]

  def value(trainable: list[Any]) -> Any:
    outputs, _ = model.stateless_call(trainable, fixed, inputs, training=training)
    return loss(outputs)

  return list(jax.grad(value)([each.value for each in model.trainable_variables]))


_BY_BACKEND = {'tensorflow': _tensorflow, 'jax': _jax}
