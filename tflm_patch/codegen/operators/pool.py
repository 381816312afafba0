# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, suffix, type_name
from tflm_patch.planner.program import Kind


@register(Kind.MAX_POOL_2D, Kind.MAX_POOL_2D_S16)
def emit_max(w: Writer) -> Code:
  """Calls of tflm_patch_max_pool_s8 or _s16."""
  return _rows(w, 'tflm_patch_max_pool')


@register(Kind.AVERAGE_POOL_2D, Kind.AVERAGE_POOL_2D_S16)
def emit_average(w: Writer) -> Code:
  """Calls of tflm_patch_average_pool_s8 or _s16, or of the accumulating kernels."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  if not w.params['accumulate']:
    return _rows(w, 'tflm_patch_average_pool')
  first = w.params['first_row']
  row = f'{w.step} + {first}' if first else w.step
  params, end, value = w.record(), suffix(source), type_name(source)
  return Code(
      first=(call('memset', f'workspace + {w.scratch_offset}', 0, 4 * target.row_values),),
      row=(
          call(f'tflm_patch_average_pool_accumulate_{end}', params, w.row(source, row, value),
               source.cols, source.channels, w.scratch(), target.cols),
      ),
      last=(
          call(f'tflm_patch_average_pool_finish_{end}', params, w.scratch(), w.op.steps,
               source.cols, source.channels, w.row(target, '0', value), target.cols),
      ),
  )  # fmt: skip


def _rows(w: Writer, kernel: str) -> Code:
  source, target = w.op.inputs[0], w.op.outputs[0]
  row = w.row(target, None, type_name(target))
  kernel = f'{kernel}_{suffix(target)}'
  return Code((call(kernel, w.record(), w.view(source), w.step, row, target.cols),))
