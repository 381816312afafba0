# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE from float32, DEQUANTIZE to float32, REQUANTIZE between integers."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, is_type, register, type_code, type_name
from tflm_patch.graph.types import DType
from tflm_patch.program.records import Kind


@register(Kind.QUANTIZE)
def emit_quantize(w: Writer) -> Code:
  """Calls of tflm_patch_quantize."""
  return _rows(w, 'tflm_patch_quantize')


@register(Kind.DEQUANTIZE)
def emit_dequantize(w: Writer) -> Code:
  """Calls of tflm_patch_dequantize."""
  return _rows(w, 'tflm_patch_dequantize')


@register(Kind.REQUANTIZE)
def emit_requantize(w: Writer) -> Code:
  """Calls of tflm_patch_requantize_row."""
  return _rows(w, 'tflm_patch_requantize_row')


def _rows(w: Writer, function: str) -> Code:
  """A row from a map to another one; the types of integers are told."""
  arguments: list[str | int] = [w.record()]
  for each in (w.op.inputs[0], w.op.outputs[0]):
    if is_type(each, DType.FLOAT32):
      arguments.append(w.row(each, None, 'float'))
    else:
      arguments += [w.row(each, None, type_name(each)), type_code(each)]
  return Code((call(function, *arguments, w.op.inputs[0].row_values),))
