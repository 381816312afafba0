# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX over channels."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.SOFTMAX)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_softmax_s8, one a cell."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  table = w.constant(w.params['exp_table_at'], 'int32_t', 256, 'exp')
  difference, n = w.params['diff_min'], source.channels
  if source.cols == 1:
    return Code(
      (call('tflm_patch_softmax_s8', table, difference, w.row(source), w.row(target), n),)
    )
  return Code(
    (
      f'for (uint32_t col = 0; col < {source.cols}; ++col) {{',
      '  '
      + call(
        'tflm_patch_softmax_s8',
        table,
        difference,
        f'{w.row(source)} + col * {n}',
        f'{w.row(target)} + col * {n}',
        n,
      ),
      '}',
    )
  )
