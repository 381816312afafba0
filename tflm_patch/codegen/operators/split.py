# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SPLIT along channels or columns."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind


@register(Kind.SPLIT)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_copy_cells, one an output."""
  source = w.op.inputs[0]
  size = type_bytes(source)
  # Columns of an output lie side by side in the input: one cell.
  cells = source.cols if w.op.outputs[0].cols == source.cols else 1
  row = w.row(source, None, 'uint8_t')
  calls = []
  at = 0
  for target in w.op.outputs:
    cell = target.row_values * size // cells
    calls.append(
      call(
        'tflm_patch_copy_cells',
        f'{row} + {at}' if at else row,
        source.row_values * size // cells,
        w.row(target, None, 'uint8_t'),
        cell,
        cell,
        cells,
      )
    )
    at += cell
  return Code(tuple(calls))
