# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Handlers of Keras layers, one file a family; importing this package registers them."""

from __future__ import annotations

from tflm_patch.quantization.layers import (
  activation,
  attention,
  convolution,
  dense,
  einsum_dense,
  embedding,
  functions,
  graphs,
  identity,
  merging,
  normalization,
  padding,
  pooling,
  recurrent,
  reshaping,
  upsampling,
)
from tflm_patch.quantization.layers.registry import handler_of, register_layer, supported

__all__ = [
  'activation',
  'attention',
  'convolution',
  'dense',
  'einsum_dense',
  'embedding',
  'functions',
  'graphs',
  'handler_of',
  'identity',
  'merging',
  'normalization',
  'padding',
  'pooling',
  'recurrent',
  'register_layer',
  'reshaping',
  'supported',
  'upsampling',
]
