# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION along channels, columns or rows."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind


@register(Kind.CONCATENATION)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_copy_cells, one an input."""
  target = w.op.outputs[0]
  size = type_bytes(target)
  if w.op.inputs[0].rows != target.rows:
    return _rows(w)
  # Columns of an input lie side by side in the output: one cell.
  cells = target.cols if w.op.inputs[0].cols == target.cols else 1
  row = w.row(target, None, 'uint8_t')
  calls = []
  at = 0
  for source in w.op.inputs:
    cell = source.row_values * size // cells
    calls.append(
      call(
        'tflm_patch_copy_cells',
        w.row(source, None, 'uint8_t'),
        cell,
        f'{row} + {at}' if at else row,
        target.row_values * size // cells,
        cell,
        cells,
      )
    )
    at += cell
  return Code(tuple(calls))


def _rows(w: Writer) -> Code:
  """A copy of a row of the input that it lies in."""
  target = w.op.outputs[0]
  to = w.row(target, None, 'uint8_t')
  lines, begin = [], 0
  for source in w.op.inputs:
    end = begin + source.rows
    row = w.row(source, f'{w.step} - {begin}' if begin else w.step, 'uint8_t')
    copy = call('memmove', to, row, target.row_values * type_bytes(target))
    condition = f'if ({w.step} < {end}) {{' if end < target.rows else '{'
    opening = condition if begin == 0 else f'}} else {condition}'
    lines += [opening, f'  {copy}']
    begin = end
  return Code((*lines, '}'))
