# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""STRIDED_SLICE."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind


@register(Kind.STRIDED_SLICE)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_strided_slice_row."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  begin, stride = w.params['begin_row'], w.params['row_stride']
  row = w.step if stride == 1 or w.step == '0' else f'{w.step} * {stride}'
  if begin:
    row = str(begin) if w.step == '0' else f'{row} + {begin}'
  return Code(
    (
      call(
        'tflm_patch_strided_slice_row',
        w.record(),
        w.row(source, row, 'uint8_t'),
        source.channels,
        type_bytes(source),
        w.row(target, None, 'uint8_t'),
        target.cols,
        target.channels,
      ),
    )
  )
