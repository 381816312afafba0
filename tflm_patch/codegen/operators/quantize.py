# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE from float32 and DEQUANTIZE to float32."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, suffix, type_name
from tflm_patch.planner.program import Kind


@register(Kind.QUANTIZE)
def emit_quantize(w: Writer) -> Code:
  """Calls of tflm_patch_quantize_f32_s8, _u8 or _s16."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  return Code((
      call(f'tflm_patch_quantize_f32_{suffix(target)}', w.record(), w.row(source, None, 'float'),
           w.row(target, None, type_name(target)), source.row_values),
  ))  # fmt: skip


@register(Kind.DEQUANTIZE)
def emit_dequantize(w: Writer) -> Code:
  """Calls of tflm_patch_dequantize_s8_f32, _u8_ or _s16_."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  return Code((
      call(f'tflm_patch_dequantize_{suffix(source)}_f32', w.record(),
           w.row(source, None, type_name(source)), w.row(target, None, 'float'),
           source.row_values),
  ))  # fmt: skip
