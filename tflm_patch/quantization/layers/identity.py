# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Layers that do nothing at inference."""

from __future__ import annotations

from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import function, layer
from tflm_patch.quantization.network import Value


@layer(
  'ActivityRegularization',
  'AlphaDropout',
  'Dropout',
  'GaussianDropout',
  'GaussianNoise',
  'Identity',
  'RandomBrightness',
  'RandomColorDegeneration',
  'RandomColorJitter',
  'RandomContrast',
  'RandomErasing',
  'RandomFlip',
  'RandomGaussianBlur',
  'RandomGrayscale',
  'RandomHue',
  'RandomPerspective',
  'RandomPosterization',
  'RandomRotation',
  'RandomSaturation',
  'RandomSharpness',
  'RandomShear',
  'RandomTranslation',
  'RandomZoom',
  'SpatialDropout1D',
  'SpatialDropout2D',
)
@function('StopGradient')
def identity(call: Call) -> Value:
  """Only training sees it."""
  return call.input
