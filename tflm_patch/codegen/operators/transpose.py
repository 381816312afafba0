# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE from NCHW to NHWC."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind


@register(Kind.TRANSPOSE)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_copy_cells, one a channel."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  size = type_bytes(source)
  line = source.channels * size
  first = w.row(source, 'channel', 'uint8_t')
  at = f' + channel * {size}' if target.channels > 1 else ''
  return Code(
    (
      f'for (uint32_t channel = 0; channel < {target.channels}; ++channel) {{',
      '  '
      + call(
        'tflm_patch_copy_cells',
        f'{first} + {w.step} * {line}',
        size,
        f'{w.row(target, None, "uint8_t")}{at}',
        target.channels * size,
        size,
        source.channels,
      ),
      '}',
    )
  )
