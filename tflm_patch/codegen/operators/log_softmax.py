# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""LOG_SOFTMAX over channels."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.LOG_SOFTMAX)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_log_softmax_s8, one a cell."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  table = w.constant(w.params['exp_table_at'], 'int32_t', 256, 'exp')
  params, n = w.record(), source.channels
  if source.cols == 1:
    made = call('tflm_patch_log_softmax_s8', params, table, w.row(source), w.row(target), n)
    return Code((made,))
  cells = (f'{w.row(each)} + col * {n}' for each in (source, target))
  return Code(
    (
      f'for (uint32_t col = 0; col < {source.cols}; ++col) {{',
      '  ' + call('tflm_patch_log_softmax_s8', params, table, *cells, n),
      '}',
    )
  )
