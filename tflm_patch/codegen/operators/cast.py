# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CAST."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_code
from tflm_patch.program.records import Kind


@register(Kind.CAST)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_cast_row."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  return Code(
    (
      call(
        'tflm_patch_cast_row',
        w.row(source),
        type_code(source),
        w.row(target),
        type_code(target),
        source.row_values,
      ),
    )
  )
