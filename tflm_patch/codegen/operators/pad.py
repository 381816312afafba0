# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""PAD."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes, type_name
from tflm_patch.program.records import Kind


@register(Kind.PAD)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_pad."""
  source, target, top = w.op.inputs[0], w.op.outputs[0], w.params['top']
  value = type_name(source)
  row = w.row(source, f'{w.step} - {top}' if top else None, value)
  # Below the first row of the map, the unsigned difference is large.
  if source.rows < target.rows:
    above = f'{w.step} - {top}u' if top else w.step
    row = f'{above} < {source.rows} ? {row} : NULL'
  return Code(
    (
      call(
        'tflm_patch_pad',
        w.record(),
        row,
        source.cols,
        source.channels,
        w.row(target, None, value),
        target.cols,
        target.channels,
        type_bytes(target),
      ),
    )
  )
