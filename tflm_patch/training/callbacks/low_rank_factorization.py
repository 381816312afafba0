# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`LowRankFactorization`: a trained model with layers as products of smaller ones."""

from __future__ import annotations

from typing import Any

import keras

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.aware_models import original_of
from tflm_patch.training.factorization.factorize import (
  DEFAULT,
  Factorized,
  FactorizeOptions,
  factorize,
)


class LowRankFactorization(keras.callbacks.Callback):
  """Factors layers of a model when its training ends, where the planner gains by it.

  `factorized_model` is the new model, with the factors of the trained weights; a short
  training of it makes up for what was lost. `factorize` does the same without a training.

  Args:
    options: See `FactorizeOptions`.

  Attributes:
    result: What was done; None before a training has ended.
  """

  def __init__(self, options: FactorizeOptions = DEFAULT) -> None:
    super().__init__()
    self.options = options
    self.result: Factorized | None = None

  def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
    """Factors the model.

    Raises:
      TflmPatchError: a layer is not supported.
    """
    del logs
    self.result = factorize(original_of(self.model), self.options)

  @property
  def factorized_model(self) -> Any:
    """The new model.

    Raises:
      TflmPatchError: no training has ended.
    """
    if self.result is None:
      raise TflmPatchError('nothing is factored yet; call fit with this callback first')
    return self.result.model
