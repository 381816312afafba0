# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Layers that are made of layers: they are read as what their `call` does with symbols."""

from __future__ import annotations

from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.network import Value


def expand(call: Call) -> Value:
  """The layers and functions that the layer's `call` uses, as a model of their own.

  For `register_layer`: the layer has one input and one output, and its `call` uses only
  layers and functions that have handlers.
  """
  import keras

  source = keras.Input(batch_shape=(None, *call.input.shape[1:]))
  result = call.layer.call(source)
  (value,) = call.expanded(keras.Model(source, result, name=call.layer.name), call.input)
  return value
