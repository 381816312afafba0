# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""LOOKUP: elementwise operators by a table."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.LOOKUP)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_lookup_x8."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  return Code(
    (
      call(
        'tflm_patch_lookup_x8',
        w.constant(w.params['table_at'], 'uint8_t', 256, 'table'),
        w.row(source, None, 'uint8_t'),
        w.row(target, None, 'uint8_t'),
        source.row_values,
      ),
    )
  )
