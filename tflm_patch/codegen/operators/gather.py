# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""GATHER."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import NONE, Kind


@register(Kind.GATHER)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_gather_row."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  row = w.step
  if w.params['row_at'] != NONE:
    row = w.row_from_table(source, w.params['row_at'], 3 * target.rows, f'3 * {w.step}')
  tables = [
    'NULL' if w.params[at] == NONE else w.constant(w.params[at], 'uint16_t', n, role)
    for at, n, role in (
      ('col_at', target.cols, 'cols'),
      ('channel_at', target.channels, 'channels'),
    )
  ]
  return Code(
    (
      call(
        'tflm_patch_gather_row',
        *tables,
        w.row(source, row, 'uint8_t'),
        source.channels,
        type_bytes(source),
        w.row(target, None, 'uint8_t'),
        target.cols,
        target.channels,
      ),
    )
  )
