# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""L2_NORMALIZATION."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.L2_NORMALIZATION)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_l2_normalization_s8."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  return Code(
    (
      call(
        'tflm_patch_l2_normalization_s8',
        source.zero_point,
        w.row(source),
        source.cols,
        source.channels,
        w.row(target),
      ),
    )
  )
