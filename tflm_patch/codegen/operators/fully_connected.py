# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED: row by row, or of a whole map that comes in row by row."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.FULLY_CONNECTED, Kind.FULLY_CONNECTED_S16)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_fully_connected_s8 or _s16, or of the accumulating kernels."""
  is_int16 = w.op.kind == Kind.FULLY_CONNECTED_S16
  value, total, end = (
    ('int16_t', 'tflm_patch_int64', 's16') if is_int16 else ('int8_t', 'int32_t', 's8')
  )
  source, target = w.op.inputs[0], w.op.outputs[0]
  accumulates = bool(w.params['flatten']) and source.rows > 1
  inputs = source.row_values * (source.rows if accumulates else 1)
  outputs = target.row_values
  weighted = w.weighted(inputs * outputs, outputs)
  args = w.struct(
    'tflm_patch_fully_connected_args', 'args', {**weighted, 'inputs': inputs, 'outputs': outputs}
  )
  if not accumulates:
    return Code(
      (
        call(
          f'tflm_patch_fully_connected_{end}',
          args,
          w.row(source, None, value),
          w.row(target, None, value),
        ),
      )
    )
  n = source.row_values
  return Code(
    first=(call('memcpy', w.scratch_place, weighted['bias'], (8 if is_int16 else 4) * outputs),),
    row=(
      call(
        f'tflm_patch_fully_connected_accumulate_{end}',
        args,
        w.row(source, None, value),
        f'row * {n}',
        n,
        w.scratch(total),
      ),
    ),
    last=(
      call(
        f'tflm_patch_fully_connected_finish_{end}',
        args,
        w.scratch(total),
        w.row(target, '0', value),
      ),
    ),
  )
