# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ARG_MAX and ARG_MIN."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.ARG_MAX)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_arg_max_s8."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  return Code(
    (
      call(
        'tflm_patch_arg_max_s8',
        w.row(source),
        source.cols,
        source.channels,
        w.params['sign'],
        w.row(target, None, 'int32_t'),
      ),
    )
  )
