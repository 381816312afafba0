# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`QuantizationAware`: a Keras model trains as the int8 model that it becomes."""

from __future__ import annotations

from typing import Any

import keras

from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.quantization.exact import ExactNetwork
from tflm_patch.quantization.exact.keras_arithmetic import KerasArithmetic
from tflm_patch.quantization.model_io import input_signature
from tflm_patch.quantization.options import QuantizeOptions
from tflm_patch.quantization.result import QuantizationResult
from tflm_patch.quantization.samples import MAX_SAMPLES, as_arrays
from tflm_patch.training.quantization_aware.fake_quantized import FakeQuantized
from tflm_patch.training.quantization_aware.options import DEFAULT, QuantizationAwareOptions
from tflm_patch.training.quantization_aware.trainable_network import TrainableNetwork


class QuantizationAware(keras.callbacks.Callback):
  """Wraps a Keras model for quantization-aware training.

    aware = QuantizationAware(model, samples)
    aware.model.compile(optimizer, loss, jit_compile=False)
    aware.model.fit(x, y, epochs=3, callbacks=[aware])
    aware.quantize().data

  `aware.model` shares the variables of the model that it wraps: training one trains the
  other. As a callback it freezes ranges and statistics at the epochs of the options, and
  keeps the tables of TFLM's kernels up to date before every evaluation.

  Args:
    model: A built functional or Sequential Keras model, best trained in float; every layer
      is known to `tflm_patch.quantize`. Layers that only training has (dropout, random
      augmentation) are left out of `aware.model`.
    samples: As for `quantize`: first ranges come from them, and those of inputs stay.
    options: See `QuantizationAwareOptions`.

  Raises:
    TflmPatchError: a layer is not supported, or the samples do not fit.
  """

  def __init__(self, model: Any, samples: Any, options: QuantizationAwareOptions = DEFAULT) -> None:
    super().__init__()
    names, shapes = input_signature(model)
    arrays = as_arrays(samples, names, shapes, MAX_SAMPLES)
    self._options = options
    self._samples = len(arrays[0])
    self.original = model
    quantize = QuantizeOptions(per_channel=options.per_channel)
    network = TrainableNetwork(model, arrays, quantize)
    self.layer = FakeQuantized(model, network, options)
    self.layer.update_statistics = options.freeze_statistics_epoch > 0
    inputs = [keras.Input(tuple(shape[1:]), name=name) for name, shape in zip(names, shapes)]
    source = inputs[0] if len(inputs) == 1 else inputs
    self._aware = keras.Model(source, self.layer(source), name=f'{model.name}_aware')

  @property
  def model(self) -> Any:
    """The fake-quantized model: compile it with `jit_compile=False` on a CPU, and fit it."""
    return self._aware

  def quantize(self, options: QuantizeOptions | None = None) -> QuantizationResult:
    """The int8 model, with the scales that were trained.

    Args:
      options: Types of inputs and outputs; all else was decided before.
    """
    data = serialize_model(self.layer.graph(options))
    return QuantizationResult(parse_model(data, self.original.name), data, self._samples)

  def exact(self) -> ExactNetwork:
    """TFLM's bytes on this backend, in int32 and float32, of the model as it is now."""
    return ExactNetwork(self.quantize().model, KerasArithmetic())

  def freeze(self) -> None:
    """Ranges and moving statistics stay as they are from here on."""
    self.layer.freeze_ranges()
    self._freeze_statistics()
    self.layer.refresh()

  def _freeze_statistics(self) -> None:
    if self.layer.update_statistics:
      self.layer.update_statistics = False
      if getattr(self._aware, 'train_function', None) is not None:
        self._aware.make_train_function(force=True)

  # Called by Keras.

  def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
    if epoch >= self._options.freeze_statistics_epoch:
      self._freeze_statistics()
    if epoch >= self._options.freeze_ranges_epoch:
      self.layer.freeze_ranges()
    self.layer.refresh()

  def on_test_begin(self, logs: Any = None) -> None:
    self.layer.refresh()

  def on_predict_begin(self, logs: Any = None) -> None:
    self.layer.refresh()

  def on_train_end(self, logs: Any = None) -> None:
    self.layer.refresh()
