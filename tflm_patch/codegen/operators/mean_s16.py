# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN of int16 maps over columns, or over rows that come in one by one."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.MEAN_S16)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_mean_cols_s16, or of the accumulating kernels."""
  source, target, params = w.op.inputs[0], w.op.outputs[0], w.record()
  row, sizes = w.row(source, None, 'int16_t'), (source.cols, source.channels)
  if not w.params['over_rows']:
    made = w.row(target, None, 'int16_t')
    return Code((call('tflm_patch_mean_cols_s16', params, row, *sizes, made),))
  n = target.row_values
  made = w.row(target, '0', 'int16_t')
  return Code(
    first=(call('memset', w.scratch_place, 0, 4 * n),),
    row=(call('tflm_patch_mean_accumulate_s16', params, row, *sizes, w.scratch()),),
    last=(call('tflm_patch_mean_finish_s16', params, w.scratch(), made, n),),
  )
