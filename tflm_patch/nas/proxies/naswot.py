# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""NASWOT (arXiv 2006.04647): how differently an untrained network sees the examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.architecture.spec import Spec
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.fitness import Effort
from tflm_patch.nas.proxies.untrained import batches, untrained


class Naswot:
  """log |det K|: K[i, j] counts the rectifiers that are alike (on or off) for examples i, j.

  Args:
    data: Examples.
  """

  def __init__(self, data: SearchData) -> None:
    self._data = data

  def evaluate(self, specs: Sequence[Spec], budget: Effort) -> list[float]:
    """See `Fitness`.

    Raises:
      EnvironmentMissing: Keras or a backend is not installed.
    """
    return [self._one(spec, budget) for spec in specs]

  def _one(self, spec: Spec, budget: Effort) -> float:
    ((inputs, _),) = batches(self._data, spec, budget, 1)
    with untrained(spec, budget) as model:
      kernel = _kernel(model, inputs)
    return float(np.linalg.slogdet(kernel)[1])


def _kernel(model: Any, inputs: np.ndarray) -> np.ndarray:
  """float64[examples, examples]."""
  import keras

  found = [layer.output for layer in model.layers if _is_rectifier(layer)]
  count = len(inputs)
  kernel = np.zeros((count, count))
  if not found:
    return kernel
  for values in _listed(keras.Model(model.inputs[0], found)(inputs, training=True)):
    codes = (np.asarray(values).reshape(count, -1) > 0).astype(np.float32)
    kernel += codes @ codes.T + (1 - codes) @ (1 - codes).T
  return kernel


def _is_rectifier(layer: Any) -> bool:
  kind = type(layer).__name__
  name = getattr(getattr(layer, 'activation', None), '__name__', 'linear')
  return kind == 'ReLU' or name.startswith('relu') or name in ('hard_swish', 'hard_silu')


def _listed(values: Any) -> list[Any]:
  return list(values) if isinstance(values, (list, tuple)) else [values]
