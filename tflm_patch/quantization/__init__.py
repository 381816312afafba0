# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Keras models to int8, without TensorFlow.

The steps, one module each: `capture` (Keras layers to a float network of TFLite's
operators), `passes` (batch normalization folded, activations fused), `calibration` (ranges
on samples), `scales` (TFLite's rules of shared and fixed scales), `emission` (int8 graph).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from tflm_patch.quantization.exact import ExactNetwork
  from tflm_patch.quantization.layers.registry import register_layer
  from tflm_patch.quantization.model_io import load_keras_model
  from tflm_patch.quantization.options import Backend, GeluBy, QuantizeOptions, Ranges
  from tflm_patch.quantization.post_training import quantize
  from tflm_patch.quantization.result import QuantizationResult
  from tflm_patch.quantization.samples import load_samples

__all__ = [
  'Backend',
  'ExactNetwork',
  'GeluBy',
  'QuantizationResult',
  'QuantizeOptions',
  'Ranges',
  'load_keras_model',
  'load_samples',
  'quantize',
  'register_layer',
]

_HOMES = {
  'Backend': 'options',
  'ExactNetwork': 'exact',
  'GeluBy': 'options',
  'QuantizationResult': 'result',
  'QuantizeOptions': 'options',
  'Ranges': 'options',
  'load_keras_model': 'model_io',
  'load_samples': 'samples',
  'quantize': 'post_training',
  'register_layer': 'layers.registry',
}


def __getattr__(name: str) -> Any:
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  return getattr(importlib.import_module(f'{__name__}.{_HOMES[name]}'), name)
