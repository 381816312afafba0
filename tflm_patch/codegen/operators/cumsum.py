# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CUMSUM along rows, columns or channels."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind

_ROWS, _COLS = 0, 1  # values of `axis`


@register(Kind.CUMSUM)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_cumsum_s8: one a row, or one a line of columns or channels."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  params, sums, zero_point = w.record(), w.scratch(), source.zero_point
  rows, values = (w.row(source), w.row(target)), source.row_values
  if w.params['axis'] == _ROWS:
    return Code(
      first=(call('tflm_patch_cumsum_begin_s8', zero_point, sums, values),),
      row=(call('tflm_patch_cumsum_s8', params, zero_point, *rows, 1, values, 0, sums),),
    )
  over_cols = w.params['axis'] == _COLS
  width = source.channels if over_cols else 1
  n = source.cols if over_cols else source.channels
  lines, first, step = values // (n * width), 0, width
  if w.params['reverse']:
    first, step = (n - 1) * width, -width
  begin = ' + '.join(
    [*([f'line * {n * width}'] if lines > 1 else []), *([str(first)] if first else [])]
  )
  places = [f'{row} + {begin}' if begin else row for row in rows]
  made = (
    call('tflm_patch_cumsum_begin_s8', zero_point, sums, width),
    call('tflm_patch_cumsum_s8', params, zero_point, *places, n, width, step, sums),
  )
  if lines == 1:
    return Code(made)
  inner = (f'  {statement}' for statement in made)
  return Code((f'for (uint32_t line = 0; line < {lines}; ++line) {{', *inner, '}'))
