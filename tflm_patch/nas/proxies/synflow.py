# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Synflow (arXiv 2006.05467): how much the weights together let through."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np

from tflm_patch.architecture.spec import Activation, Spec
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.fitness import Effort
from tflm_patch.nas.proxies.gradients import gradients
from tflm_patch.nas.proxies.untrained import untrained


class Synflow:
  """Logarithm of the sum of |theta * dR/dtheta|, R being the outputs' sum.

  Weights are replaced by their magnitudes, the input is ones, there is no normalization, and
  activations have no upper bound. Computed in double precision: R grows with every layer.

  Args:
    data: Not looked at.
  """

  def __init__(self, data: SearchData | None = None) -> None:
    del data

  def evaluate(self, specs: Sequence[Spec], budget: Effort) -> list[float]:
    """See `Fitness`.

    Raises:
      TflmPatchError: the backend has no gradients that are known here.
      EnvironmentMissing: Keras or a backend is not installed.
    """
    return [_synflow(spec, budget) for spec in specs]


def _synflow(spec: Spec, budget: Effort) -> float:
  from keras import ops

  with _double(), untrained(_unbounded(spec), budget, normalization=False) as model:
    for variable in model.trainable_variables:
      variable.assign(np.abs(np.asarray(variable)))
    ones = np.ones((1, *model.input_shape[1:]), np.float64)
    found = gradients(model, ones, ops.sum, training=False)
    weights = [np.asarray(each, np.float64) for each in model.trainable_variables]
  total = sum(float(np.abs(w * g).sum()) for w, g in zip(weights, found))
  return math.log(total) if total > 0 else -math.inf


def _unbounded(spec: Spec) -> Spec:
  """With ReLU in place of ReLU6, which has no gradient above 6."""
  blocks = tuple(
    dataclasses.replace(block, activation=Activation.RELU)
    if block.activation is Activation.RELU6
    else block
    for block in spec.blocks
  )
  return dataclasses.replace(spec, blocks=blocks)


@contextlib.contextmanager
def _double() -> Iterator[None]:
  """Keras in float64."""
  import keras

  before = keras.config.floatx()
  precise: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
  if keras.backend.backend() == 'jax':
    import jax

    # Its name moved in 2025.
    owner = jax if hasattr(jax, 'enable_x64') else jax.experimental
    precise = owner.enable_x64(True)
  keras.config.set_floatx('float64')
  policy = keras.config.dtype_policy()
  keras.config.set_dtype_policy('float64')
  try:
    with precise:
      yield
  finally:
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(policy)
