# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ADD_N."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.ADD_N)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_add_n_s8."""
  inputs, target = w.op.inputs, w.op.outputs[0]
  return Code(
    (
      f'const int8_t* const inputs[] = {{{", ".join(w.row(m) for m in inputs)}}};',
      call(
        'tflm_patch_add_n_s8',
        w.record(),
        inputs[0].zero_point,
        'inputs',
        len(inputs),
        w.row(target),
        target.row_values,
      ),
    )
  )
