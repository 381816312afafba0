# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""PERMUTE: TRANSPOSE of rows, columns and channels."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind


@register(Kind.PERMUTE)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_copy_cells: one a column where rows stay, else one an input row."""
  source, target, order = w.op.inputs[0], w.op.outputs[0], w.params['order']
  size = type_bytes(source)
  source_step = (0, source.channels * size, size)
  target_step = (0, target.channels * size, size)
  row = w.row(target, None, 'uint8_t')
  if order[0] == 0:
    copy = call(
      'tflm_patch_copy_cells',
      f'{w.row(source, None, "uint8_t")} + i * {source_step[order[1]]}',
      source_step[order[2]],
      f'{row} + i * {target_step[1]}',
      size,
      size,
      target.channels,
    )
    return Code((f'for (uint32_t i = 0; i < {target.cols}; ++i) {{', f'  {copy}', '}'))
  across = 1 if order[1] == 0 else 2
  along = 3 - across
  copy = call(
    'tflm_patch_copy_cells',
    f'{w.row(source, "i", "uint8_t")} + {w.step} * {source_step[order[0]]}',
    source_step[order[along]],
    f'{row} + i * {target_step[across]}',
    target_step[along],
    size,
    (target.rows, target.cols, target.channels)[along],
  )
  return Code((f'for (uint32_t i = 0; i < {source.rows}; ++i) {{', f'  {copy}', '}'))
