# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The sample model that the package carries: handwritten digits, 64x64, int8.

`examples/sample_model/train.py` makes it from the digits of scikit-learn.
"""

from __future__ import annotations

import pathlib

import numpy as np

_FOLDER = pathlib.Path(__file__).resolve().parent
_MODEL = 'digits_64_int8.tflite'
_SAMPLES = 'digits_64_samples.npz'


def sample_model_path() -> pathlib.Path:
  """The sample's .tflite file: int8[1, 64, 64, 1] in, int8[1, 10] probabilities out."""
  return _FOLDER / _MODEL


def sample_inputs() -> tuple[np.ndarray, np.ndarray]:
  """Digits that the model was not trained on, one of each class.

  Returns:
    images: int8[10, 64, 64, 1], quantized as the model wants them.
    labels: uint8[10], the digits that they show.
  """
  with np.load(_FOLDER / _SAMPLES) as samples:
    return samples['images'], samples['labels']
