# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Quantization from files to a result."""

from __future__ import annotations

import os
from collections.abc import Callable

from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.quantization.model_io import input_signature, load_keras_model
from tflm_patch.quantization.options import DEFAULT, QuantizeOptions
from tflm_patch.quantization.post_training import quantize
from tflm_patch.quantization.result import QuantizationResult
from tflm_patch.quantization.samples import load_samples

Path = str | os.PathLike[str]


def quantize_file(
  model: Path,
  samples: Path,
  options: QuantizeOptions = DEFAULT,
  pixel_range: tuple[float, float] = (0.0, 255.0),
  progress: Callable[[str], None] | None = None,
) -> QuantizationResult:
  """Quantizes a `.keras` file.

  Args:
    model: Loaded in safe mode.
    samples: A `.npz`, a `.npy` or a folder of images.
    options: See `QuantizeOptions`.
    pixel_range: What pixels 0 and 255 of images become.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: a file cannot be read, a layer is not supported, samples do not fit.
    EnvironmentMissing: Keras is not installed.
  """
  say = progress or (lambda text: None)
  say('Loading the model')
  loaded = load_keras_model(model)
  try:
    names, shapes = input_signature(loaded)
    arrays = load_samples(samples, names, shapes, pixel_range)
    return quantize(loaded, dict(zip(names, arrays)), options, say)
  except EnvironmentMissing:
    raise
  except TflmPatchError as error:
    text = str(error)
    if text.startswith(os.fspath(samples)):
      raise
    raise TflmPatchError(f'{os.fspath(model)}: {text}') from None
