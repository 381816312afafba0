# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESIZE_NEAREST_NEIGHBOR."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind


@register(Kind.RESIZE_NEAREST)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_resize_nearest_row."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  cols = w.constant(w.params['col_at'], 'uint16_t', target.cols, 'cols')
  return Code(
    (
      call(
        'tflm_patch_resize_nearest_row',
        cols,
        w.row(source, w.row_from_table(source, w.params['row_at'], target.rows), 'uint8_t'),
        source.channels * type_bytes(source),
        w.row(target, None, 'uint8_t'),
        target.cols,
      ),
    )
  )
