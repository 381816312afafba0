# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_DEPTH and DEPTH_TO_SPACE."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind


@register(Kind.SPACE_TO_DEPTH)
def emit_space_to_depth(w: Writer) -> Code:
  """Calls of tflm_patch_copy_cells, one an input row of the block."""
  source, target, block = w.op.inputs[0], w.op.outputs[0], w.params['block']
  size = block * source.channels * type_bytes(source)
  rows = w.row(source, f'{w.step} * {block} + i' if w.step != '0' else 'i', 'uint8_t')
  return Code(
    (
      f'for (uint32_t i = 0; i < {block}; ++i) {{',
      '  '
      + call(
        'tflm_patch_copy_cells',
        rows,
        size,
        f'{w.row(target, None, "uint8_t")} + i * {size}',
        block * size,
        size,
        target.cols,
      ),
      '}',
    )
  )


@register(Kind.DEPTH_TO_SPACE)
def emit_depth_to_space(w: Writer) -> Code:
  """Calls of tflm_patch_copy_cells."""
  source, target, block = w.op.inputs[0], w.op.outputs[0], w.params['block']
  size = block * target.channels * type_bytes(target)
  rows = w.row(source, f'{w.step} / {block}', 'uint8_t')
  part = f' + {w.step} % {block} * {size}' if block > 1 else ''
  return Code(
    (
      call(
        'tflm_patch_copy_cells',
        rows + part,
        block * size,
        w.row(target, None, 'uint8_t'),
        size,
        size,
        source.cols,
      ),
    )
  )
