# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.BATCH_MATMUL)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_batch_matmul_s8."""
  a, b = w.op.inputs
  matrix = w.view(b, 'matrix')
  args = ', '.join(
    (
      f'.a = {w.row(a, "0" if a.rows == 1 else None)}',
      f'.b = {matrix}',
      f'.b_row = {"0" if b.rows == 1 else w.step}',
      f'.a_zero_point = {a.zero_point}',
      f'.b_zero_point = {b.zero_point}',
      f'.vectors = {a.cols}',
      f'.depth = {a.channels}',
      f'.outputs = {w.op.outputs[0].channels}',
    )
  )
  return Code(
    (
      f'const tflm_patch_batch_matmul_args args = {{{args}}};',
      call('tflm_patch_batch_matmul_s8', w.record(), '&args', w.row(w.op.outputs[0])),
    )
  )
