# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE from float32 and DEQUANTIZE to float32."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, is_type, register
from tflm_patch.graph.types import DType
from tflm_patch.planner import program
from tflm_patch.planner.program import Kind


@register(Kind.QUANTIZE, record=program.QUANTIZE)
def emit_quantize(w: Writer) -> Code:
  """Calls of tflm_patch_quantize_f32_s8 or _u8."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  suffix, type_name = ('s8', 'int8_t') if is_type(target, DType.INT8) else ('u8', 'uint8_t')
  return Code((
      call(f'tflm_patch_quantize_f32_{suffix}', w.record(), w.row(source, None, 'float'),
           w.row(target, None, type_name), source.row_values),
  ))  # fmt: skip


@register(Kind.DEQUANTIZE, record=program.QUANTIZE)
def emit_dequantize(w: Writer) -> Code:
  """Calls of tflm_patch_dequantize_s8_f32 or _u8_."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  suffix, type_name = ('s8', 'int8_t') if is_type(source, DType.INT8) else ('u8', 'uint8_t')
  return Code((
      call(f'tflm_patch_dequantize_{suffix}_f32', w.record(), w.row(source, None, type_name),
           w.row(target, None, 'float'), source.row_values),
  ))  # fmt: skip
