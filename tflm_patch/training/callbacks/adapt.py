# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`Adapt`: how well the model will learn on the chip, while training."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.on_device.scheme import Scheme
from tflm_patch.on_device.simulation.adaptation import Adapter, AdaptOptions
from tflm_patch.on_device.simulation.data import Samples
from tflm_patch.on_device.simulation.learning import Judgement
from tflm_patch.quantization.model_io import input_signature
from tflm_patch.quantization.options import DEFAULT, QuantizeOptions
from tflm_patch.quantization.post_training import quantize
from tflm_patch.quantization.samples import as_arrays
from tflm_patch.training.aware_models import trained_int8
from tflm_patch.training.int8_inference import to_steps

ACCURACY = 'val_adapted_accuracy'
MEMORY = 'adaptation_bytes'
_ALL = 1 << 40


class Adapt(keras.callbacks.Callback):
  """Quantizes the model, and simulates its training on the chip.

  The first time it looks for what to update within the memory, and for the learning rate;
  later it trains the same. `logs` get `val_adapted_accuracy` (`val_adapted_loss` for a
  squared error) and `adaptation_bytes`, so that EarlyStopping and ModelCheckpoint, later in
  the list of callbacks, can watch them.

  Args:
    train_data: (inputs, labels) that the chip learns from: inputs as the model takes them,
      labels [n] from 0 on.
    validation_data: Likewise, to judge by.
    samples: Typical inputs to calibrate the quantization on; the inputs of `train_data`
      when None.
    options: The memory, the number of new classes, and how the chip learns.
    every: Epochs between evaluations; 0 for one at the end of training alone.
    quantization: Of the model.

  Attributes:
    scheme: What is updated, once it was found.
    rate: The learning rate.
    curve: Of the last evaluation: accuracy over updates.
    model_int8: The int8 model of the last evaluation, with a new last layer where there is one.
  """

  def __init__(
    self,
    train_data: tuple[Any, Any],
    validation_data: tuple[Any, Any],
    options: AdaptOptions,
    samples: Any = None,
    every: int = 0,
    quantization: QuantizeOptions = DEFAULT,
  ) -> None:
    super().__init__()
    if every < 0:
      raise TflmPatchError(f'every {every} epochs is not possible; use 1 or more, or 0')
    self.scheme: Scheme | None = None
    self.rate = 0.0
    self.curve: tuple[Judgement, ...] = ()
    self.model_int8: Any = None
    self._train, self._judged = train_data, validation_data
    self._samples = train_data[0] if samples is None else samples
    self._options, self._every, self._quantization = options, every, quantization

  def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
    """Evaluates, where it is time, and adds the figures to `logs`."""
    if self._every and (epoch + 1) % self._every == 0:
      found = self.evaluate(self.model)
      if logs is not None:
        logs.update(found)

  def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
    """Evaluates, unless epochs did."""
    del logs
    if not self._every:
      self.evaluate(self.model)

  def evaluate(self, model: Any) -> dict[str, float]:
    """The figures of a model as it is now.

    Raises:
      TflmPatchError: a layer is not supported, the memory is too small, or data do not fit.
    """
    result = trained_int8(model, self._quantization)
    result = result or quantize(model, self._samples, self._quantization)
    tensor = result.model.main.tensors[result.model.main.inputs[0]]
    names, shapes = input_signature(model)

    def taken(data: tuple[Any, Any]) -> Samples:
      (inputs,) = as_arrays(data[0], names, shapes, _ALL)
      return Samples(to_steps(inputs, tensor), np.asarray(data[1]).reshape(-1))

    adapter = Adapter(result.model, taken(self._train), self._options)
    if self.scheme is None:
      self.scheme, self.rate = adapter.chosen(adapter.candidates())
    self.curve = adapter.simulate(self.scheme, self.rate, taken(self._judged)).curve
    self.model_int8 = adapter.model
    last = self.curve[-1]
    judged = {'val_adapted_loss': last.loss} if last.accuracy is None else {ACCURACY: last.accuracy}
    return {**judged, MEMORY: adapter.planner.memory(self.scheme).total}
