# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""HOP: as SLIDE; `model_invoke()` counts the calls."""

from __future__ import annotations

from tflm_patch.codegen.operators import slide
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.HOP)
def emit(w: Writer) -> Code:
  """Copies a row from further back in the window, or from the input."""
  return slide.emit(w)
