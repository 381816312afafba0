# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESHAPE."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind


@register(Kind.RESHAPE)
def emit(w: Writer) -> Code:
  """Copies of what lies in one input row and one output row, by a loop over values."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  size, n, row_values = type_bytes(source), target.row_values, source.row_values
  row = w.row(source, 'source', 'uint8_t')
  return Code(
    (
      f'for (uint32_t done = 0; done < {n};) {{',
      f'  const uint32_t from = {w.step} * {n}u + done;',
      *([f'  const uint32_t source = from / {row_values}u;'] if 'source' in row else []),
      f'  const uint32_t at = from % {row_values}u;',
      f'  const uint32_t left = {n}u - done;',
      f'  const uint32_t part = left < {row_values}u - at ? left : {row_values}u - at;',
      '  '
      + call(
        'memmove',
        f'{w.row(target, None, "uint8_t")} + done * {size}',
        f'{row} + at * {size}',
        f'part * {size}',
      ),
      '  done += part;',
      '}',
    )
  )
