# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN over columns, or over rows that come in one by one."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.MEAN)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_mean_cols_s8, or of the accumulating kernels."""
  source, target, params = w.op.inputs[0], w.op.outputs[0], w.record()
  zero_point = source.zero_point
  if not w.params['over_rows']:
    return Code(
      (
        call(
          'tflm_patch_mean_cols_s8',
          params,
          zero_point,
          w.row(source),
          source.cols,
          source.channels,
          w.row(target),
        ),
      )
    )
  n = target.row_values
  values = source.rows * (source.cols if w.params['over_cols'] else 1)
  return Code(
    first=(call('memset', f'workspace + {w.scratch_offset}', 0, 4 * n),),
    row=(
      call(
        'tflm_patch_mean_accumulate_s8',
        params,
        w.row(source),
        source.cols,
        source.channels,
        w.scratch(),
      ),
    ),
    last=(
      call(
        'tflm_patch_mean_finish_s8', params, zero_point, w.scratch(), values, w.row(target, '0'), n
      ),
    ),
  )
