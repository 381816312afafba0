# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes, type_name
from tflm_patch.program.records import Kind


@register(Kind.MAX_POOL_2D, Kind.MAX_POOL_2D_S16)
def emit_rows(w: Writer) -> Code:
  """Calls of tflm_patch_pool."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  row = w.row(target, None, type_name(target))
  kind = f'TFLM_PATCH_{w.op.kind.name}'
  return Code(
    (call('tflm_patch_pool', kind, w.record(), w.view(source), w.step, row, target.cols),)
  )


@register(Kind.AVERAGE_POOL_2D, Kind.AVERAGE_POOL_2D_S16)
def emit_average(w: Writer) -> Code:
  """Calls of tflm_patch_pool, or of the accumulating kernels."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  if not w.params['accumulate']:
    return emit_rows(w)
  first = w.params['first_row']
  row = f'{w.step} + {first}' if first else w.step
  params, size, value = w.record(), type_bytes(source), type_name(source)
  return Code(
    first=(call('memset', w.scratch_place, 0, 4 * target.row_values),),
    row=(
      call(
        'tflm_patch_average_pool_accumulate',
        params,
        w.row(source, row, value),
        source.cols,
        source.channels,
        w.scratch(),
        target.cols,
        size,
      ),
    ),
    last=(
      call(
        'tflm_patch_average_pool_finish',
        params,
        w.scratch(),
        w.op.steps,
        source.cols,
        source.channels,
        w.row(target, '0', value),
        target.cols,
        size,
      ),
    ),
  )
