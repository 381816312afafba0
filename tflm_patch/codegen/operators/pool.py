# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.planner import program
from tflm_patch.planner.program import Kind


@register(Kind.MAX_POOL_2D, record=program.POOL)
def emit_max(w: Writer) -> Code:
  """Calls of tflm_patch_max_pool_s8."""
  return _rows(w, 'tflm_patch_max_pool_s8')


@register(Kind.AVERAGE_POOL_2D, record=program.POOL)
def emit_average(w: Writer) -> Code:
  """Calls of tflm_patch_average_pool_s8, or of the accumulating kernels."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  if not w.params['accumulate']:
    return _rows(w, 'tflm_patch_average_pool_s8')
  first = w.params['first_row']
  row = f'{w.step} + {first}' if first else w.step
  params = w.record()
  return Code(
      first=(call('memset', f'workspace + {w.scratch_offset}', 0, 4 * target.row_values),),
      row=(
          call('tflm_patch_average_pool_accumulate_s8', params, w.row(source, row), source.cols,
               source.channels, w.scratch(), target.cols),
      ),
      last=(
          call('tflm_patch_average_pool_finish_s8', params, w.scratch(), w.op.steps, source.cols,
               source.channels, w.row(target, '0'), target.cols),
      ),
  )  # fmt: skip


def _rows(w: Writer, kernel: str) -> Code:
  source, target = w.op.inputs[0], w.op.outputs[0]
  return Code((call(kernel, w.record(), w.view(source), w.step, w.row(target), target.cols),))
