# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Embeddings: rows of a table by number."""

from __future__ import annotations

from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.gather import Gather


@layer('Embedding')
def embedding(call: Call) -> Value:
  """GATHER; its numbers are an int32 input of the model."""
  if call.layer.mask_zero:
    raise call.error('mask_zero is on, and TFLM has no masks')
  table = call.constant(call.weights('embeddings'), 'table')
  return call.add(Gather(), table, call.input)
