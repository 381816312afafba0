# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESIZE_BILINEAR."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.RESIZE_BILINEAR)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_resize_bilinear_s8."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  rows = w.constant(w.params['row_at'], 'tflm_patch_between', target.rows, 'rows')
  cols = w.constant(w.params['col_at'], 'tflm_patch_between', target.cols, 'cols')
  above = w.row(source, 'between.index')
  below = w.row(source, 'between.index + (between.weight != 0)')
  return Code(
    (
      f'const tflm_patch_between between = {rows}[{w.step}];',
      call(
        'tflm_patch_resize_bilinear_s8',
        cols,
        target.cols,
        above,
        below,
        'between.weight',
        source.channels,
        w.row(target),
      ),
    )
  )
