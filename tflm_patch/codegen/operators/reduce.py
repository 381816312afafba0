# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""REDUCE_MAX and REDUCE_MIN."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind

_KERNELS = {
  Kind.REDUCE_MAX: ('tflm_patch_reduce_max_s8', 'INT8_MIN'),
  Kind.REDUCE_MIN: ('tflm_patch_reduce_min_s8', 'INT8_MAX'),
}


@register(Kind.REDUCE_MAX, Kind.REDUCE_MIN)
def emit(w: Writer) -> Code:
  """Calls of a row kernel that takes values into an output row, or into the scratch."""
  source, target, n = w.op.inputs[0], w.op.outputs[0], w.op.outputs[0].row_values
  kernel, start = _KERNELS[w.op.kind]
  over_rows = w.params['over_rows']
  results = w.scratch('int8_t') if over_rows else w.row(target)
  clear = call('memset', results, start, n)
  take_in = call(kernel, w.record(), w.row(source), source.cols, source.channels, results)
  if not over_rows:
    return Code((clear, take_in))
  return Code(
    first=(clear,), row=(take_in,), last=(call('memcpy', w.row(target, '0'), results, n),)
  )
