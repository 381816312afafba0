# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX over channels."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind

_FUNCTIONS = {
  Kind.SOFTMAX: ('tflm_patch_softmax_s8', 'int8_t'),
  Kind.SOFTMAX_S8_S16: ('tflm_patch_softmax_s8_s16', 'int16_t'),
}


@register(*_FUNCTIONS)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_softmax_s8 or tflm_patch_softmax_s8_s16, one a cell."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  function, made = _FUNCTIONS[w.op.kind]
  fixed = w.constant(w.params['exp_table_at'], 'int32_t', 256, 'exp'), w.params['diff_min']
  rows, n = (w.row(source), w.row(target, None, made)), source.channels
  if source.cols == 1:
    return Code((call(function, *fixed, *rows, n),))
  cells = (f'{row} + col * {n}' for row in rows)
  return Code(
    (
      f'for (uint32_t col = 0; col < {source.cols}; ++col) {{',
      '  ' + call(function, *fixed, *cells, n),
      '}',
    )
  )
