# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX over channels of int16 maps."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind

_ENTRIES = 513


@register(Kind.SOFTMAX_S16)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_softmax_s16, one a cell."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  n = source.channels
  tables = (
    w.constant(w.params['exp_table_at'], 'int16_t', _ENTRIES, 'exp'),
    w.constant(w.params['reciprocal_at'], 'int16_t', _ENTRIES, 'reciprocal'),
  )
  rows = w.row(source, None, 'int16_t'), w.row(target, None, 'int16_t')
  if source.cols == 1:
    return Code((call('tflm_patch_softmax_s16', w.record(), *tables, *rows, n),))
  cells = (f'{row} + col * {n}' for row in rows)
  return Code(
    (
      f'for (uint32_t col = 0; col < {source.cols}; ++col) {{',
      '  ' + call('tflm_patch_softmax_s16', w.record(), *tables, *cells, n),
      '}',
    )
  )
