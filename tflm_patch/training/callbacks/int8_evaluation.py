# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`Int8Evaluation`: the accuracy that the int8 model has on the chip, while training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tflm_patch.api import convert_model
from tflm_patch.conversion.options import DEFAULT_OPTIONS, ConvertOptions
from tflm_patch.errors import TflmPatchError
from tflm_patch.quantization.model_io import input_signature
from tflm_patch.quantization.options import DEFAULT, QuantizeOptions
from tflm_patch.quantization.post_training import quantize
from tflm_patch.quantization.result import QuantizationResult
from tflm_patch.quantization.samples import as_arrays
from tflm_patch.training.aware_models import trained_int8
from tflm_patch.training.int8_inference import Engine, available_engine, run_int8

ACCURACY = 'val_int8_accuracy'
ARENA = 'arena_bytes'
_ALL = 1 << 40

Quantizer = Callable[[Any], QuantizationResult]
Metric = Callable[[list[np.ndarray], Any], float]


class Int8Evaluation(keras.callbacks.Callback):
  """Quantizes, converts and runs the model on validation data, in the real TFLM interpreter.

  `logs` get `val_int8_accuracy` and `arena_bytes` (of the converted model, as TFLM reports it
  on a 32-bit target), so that EarlyStopping and ModelCheckpoint, later in the list of
  callbacks, can watch them. In epochs that are left out they have their last values.

  Without the tflite-micro wheel the exact forward pass, whose bytes are TFLM's, takes its
  place; a line says so.

  A model that `QuantizationAware` has made is quantized with the ranges that it has learned.

  Args:
    validation_data: (inputs, labels): inputs as the model takes them; labels are classes
      [n] or [n, 1], or one-hot [n, classes].
    samples: Typical inputs, to calibrate on; of training data, not of validation data.
    every: Epochs between evaluations; the first is that of epoch `every`.
    options: Of the quantization.
    convert: Of the conversion.
    quantizer: Gives the int8 model of a Keras model in another way; `samples` may then be
      None.
    metric: A figure from the real outputs float64[n, ...], one array per output, and
      the labels; the share of samples whose largest output is the label's when None, that
      of outputs on the right side of 1/2 for models of one output unit.
    engine: 'tflm', 'exact', or 'auto'.

  Attributes:
    result: The last quantization.
    data: The last converted model, as a `.tflite` file.
  """

  def __init__(
    self,
    validation_data: tuple[Any, Any],
    samples: Any = None,
    every: int = 1,
    options: QuantizeOptions = DEFAULT,
    convert: ConvertOptions = DEFAULT_OPTIONS,
    quantizer: Quantizer | None = None,
    metric: Metric | None = None,
    engine: str = 'auto',
  ) -> None:
    super().__init__()
    engines = {'auto': available_engine(), 'tflm': Engine.TFLM, 'exact': Engine.EXACT}
    if engine not in engines:
      raise TflmPatchError(f'engine "{engine}" is not known; use {", ".join(engines)}')
    if every < 1:
      raise TflmPatchError(f'every {every} epochs is not possible; use 1 or more')
    self.every = every
    self.engine = engines[engine]
    self.result: QuantizationResult | None = None
    self.data: bytes | None = None
    self._inputs, self._labels = validation_data
    self._quantizer = quantizer or (
      lambda model: trained_int8(model, options) or _calibrated(model, samples, options)
    )
    self._convert = convert
    self._metric = metric or accuracy
    self._known: dict[str, float] = {}
    self._says_so = engine == 'auto' and self.engine is Engine.EXACT

  def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
    """Evaluates, where it is time, and adds the figures to `logs`."""
    if (epoch + 1) % self.every == 0:
      self._known = self.evaluate(self.model)
    if logs is not None:
      logs.update(self._known)

  def evaluate(self, model: Any) -> dict[str, float]:
    """The figures of a model as it is now.

    Raises:
      TflmPatchError: a layer is not supported, or the validation data do not fit.
    """
    if self._says_so:
      self._says_so = False
      print(f'tflite-micro is not installed: {ACCURACY} is by {Engine.EXACT.value}')
    names, shapes = input_signature(model)
    inputs = as_arrays(self._inputs, names, shapes, _ALL)
    self.result = self._quantizer(model)
    converted = convert_model(self.result.data, self._convert)
    self.data = converted.data
    outputs = run_int8(self.result.model, converted.data, inputs, self.engine)
    return {
      ACCURACY: float(self._metric(outputs, self._labels)),
      ARENA: converted.converted_arena.total,
    }


def _calibrated(model: Any, samples: Any, options: QuantizeOptions) -> QuantizationResult:
  if samples is None:
    raise TflmPatchError('Int8Evaluation needs samples to calibrate on; give some training data')
  return quantize(model, samples, options)


def accuracy(outputs: Sequence[np.ndarray], labels: Any) -> float:
  """The share of samples whose class is right.

  Args:
    outputs: float64[n, classes], or [n, 1] for two classes; of several the first counts.
    labels: Classes [n] or [n, 1], or one-hot [n, classes].

  Raises:
    TflmPatchError: there are not as many labels as outputs.
  """
  scores = outputs[0].reshape(len(outputs[0]), -1)
  wanted = np.asarray(labels)
  if len(wanted) != len(scores):
    raise TflmPatchError(
      f'validation data have {len(scores)} inputs and {len(wanted)} labels; give one for each'
    )
  if wanted.ndim == 2 and wanted.shape[1] > 1:
    wanted = wanted.argmax(axis=1)
  found = scores.argmax(axis=1) if scores.shape[1] > 1 else scores[:, 0] > 0.5
  return float(np.mean(found == wanted.reshape(-1)))
