# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models with float inputs or outputs around int8 layers, as TensorFlow's converter writes them."""

from __future__ import annotations

from tflm_patch.conversion import plugins
from tflm_patch.graph.types import Model


def with_int8_ends(model: Model) -> Model:
  """The model without QUANTIZE at its input and DEQUANTIZE at its output.

  The same model where it has neither. Operators before others are counted anew.
  """
  selection = plugins.select(('boundary_quantize',))
  return plugins.run_plugins(model, selection.rewrites, plugins.Context(int8_io=True))[0]
