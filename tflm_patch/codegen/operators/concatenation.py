# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION along channels or columns."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind


@register(Kind.CONCATENATION)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_copy_cells, one an input."""
  target = w.op.outputs[0]
  size = type_bytes(target)
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
