# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a model will need, from its structure alone."""

from support import keras_models

from tflm_patch.api import convert_model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.quantization import quantize
from tflm_patch.quantization.capture import capture
from tflm_patch.quantization.structure import structural_graph


def block(layers, x):
  y = layers.LayerNormalization()(x)
  return layers.Add()([x, layers.MultiHeadAttention(2, 4)(y, y)])


def test_attention_and_normalization_need_what_they_will_when_trained(keras):
  model = keras_models.functional((10, 8), lambda x: block(keras.layers, x))
  expected = convert_model(serialize_model(structural_graph(capture(model))))
  (samples,) = keras_models.random_samples(model)
  found = convert_model(quantize(model, samples).data)
  assert len(expected.stages) == len(found.stages) == 1
  assert expected.converted_arena.total == found.converted_arena.total
