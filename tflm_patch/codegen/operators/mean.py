# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN and SUM over columns and channels, or over rows that come in one by one."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call, nested
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import PARAMETERS, Kind


@register(Kind.MEAN)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_mean_cols_s8, or of the accumulating kernels."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  zero_point, n = source.zero_point, target.row_values
  lines, cols, channels, over_cols = _shape(w)
  fields = {**nested(w.params), 'over_cols': over_cols}
  params = w.struct(PARAMETERS[Kind.MEAN].name, 'params', fields)
  row = w.row(source) + (f' + line * {cols}' if lines > 1 else '')
  line = ' + line' if lines > 1 else ''
  if not w.params['over_rows']:
    result = f'{w.row(target)}{line}'
    made = call('tflm_patch_mean_cols_s8', params, zero_point, row, cols, channels, result)
    return Code(_in_lines(lines, made))
  values = source.rows * (cols if over_cols else 1)
  sums = f'{w.scratch()}{line}'
  taken = call('tflm_patch_mean_accumulate_s8', params, row, cols, channels, sums)
  return Code(
    first=(call('memset', w.scratch_place, 0, 4 * n),),
    row=_in_lines(lines, taken),
    last=(
      call(
        'tflm_patch_mean_finish_s8', params, zero_point, w.scratch(), values, w.row(target, '0'), n
      ),
    ),
  )


def _shape(w: Writer) -> tuple[int, int, int, int]:
  """A row as the row functions see it: lines, their columns and channels, over columns.

  Where channels are reduced, the values of a cell are columns of one channel.
  """
  source, over_cols = w.op.inputs[0], w.params['over_cols']
  if not w.params['over_channels']:
    return 1, source.cols, source.channels, over_cols
  lines = 1 if over_cols else source.cols
  return lines, source.row_values // lines, 1, 1


def _in_lines(lines: int, statement: str) -> tuple[str, ...]:
  if lines == 1:
    return (statement,)
  return f'for (uint32_t line = 0; line < {lines}; ++line) {{', f'  {statement}', '}'
