# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The lists in docs/quantize.md: python -m tflm_patch.quantization.layers.document."""

from __future__ import annotations

from tflm_patch.quantization.layers.activation import ACTIVATIONS
from tflm_patch.quantization.layers.registry import supported


def document() -> str:
  """Layers, activations and functions that our own writer knows, as Markdown."""
  layers, functions = supported()
  parts = (
    ('Layers', layers),
    ('Activations', sorted(ACTIVATIONS)),
    ('Functions of `keras.ops`, and arithmetic between tensors', functions),
  )
  return '\n\n'.join(f'{title}: {", ".join(names)}.' for title, names in parts)


if __name__ == '__main__':
  print(document())
