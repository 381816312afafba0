# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE from float32, DEQUANTIZE to float32, REQUANTIZE between integers."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_code, type_name
from tflm_patch.program.records import Kind


@register(Kind.QUANTIZE)
def emit_quantize(w: Writer) -> Code:
  """Calls of tflm_patch_quantize."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  return Code(
    (
      call(
        'tflm_patch_quantize',
        w.record(),
        w.row(source, None, 'float'),
        w.row(target, None, type_name(target)),
        type_code(target),
        source.row_values,
      ),
    )
  )


@register(Kind.DEQUANTIZE)
def emit_dequantize(w: Writer) -> Code:
  """Calls of tflm_patch_dequantize."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  return Code(
    (
      call(
        'tflm_patch_dequantize',
        w.record(),
        w.row(source, None, type_name(source)),
        type_code(source),
        w.row(target, None, 'float'),
        source.row_values,
      ),
    )
  )


@register(Kind.REQUANTIZE)
def emit_requantize(w: Writer) -> Code:
  """Calls of tflm_patch_requantize_row."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  return Code(
    (
      call(
        'tflm_patch_requantize_row',
        w.record(),
        w.row(source, None, type_name(source)),
        type_code(source),
        w.row(target, None, type_name(target)),
        type_code(target),
        source.row_values,
      ),
    )
  )
