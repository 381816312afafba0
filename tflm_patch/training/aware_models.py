# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a model that is trained quantization-aware is made of."""

from __future__ import annotations

from typing import Any

from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.quantization.options import QuantizeOptions
from tflm_patch.quantization.result import QuantizationResult
from tflm_patch.training.quantization_aware.fake_quantized import FakeQuantized


def original_of(model: Any) -> Any:
  """The model that `QuantizationAware` wraps; a model itself when it is not wrapped.

  Both have the same variables.
  """
  layer = _layer_of(model)
  return model if layer is None else layer.original


def trained_int8(model: Any, options: QuantizeOptions) -> QuantizationResult | None:
  """The int8 model with the ranges that were trained; None for a model without."""
  layer = _layer_of(model)
  if layer is None:
    return None
  data = serialize_model(layer.graph(options))
  return QuantizationResult(parse_model(data, layer.original.name), data, 0)


def _layer_of(model: Any) -> FakeQuantized | None:
  layers = getattr(model, 'layers', ())
  return next((layer for layer in layers if isinstance(layer, FakeQuantized)), None)
