# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SQUARED_DIFFERENCE."""

from __future__ import annotations

from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.codegen.operators.binary import emit_binary
from tflm_patch.program.records import Kind


@register(Kind.SQUARED_DIFFERENCE)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_squared_difference_s8."""
  return emit_binary(w, 'tflm_patch_squared_difference_s8')


@register(Kind.SQUARED_DIFFERENCE_S16)
def emit_int16(w: Writer) -> Code:
  """Calls of tflm_patch_squared_difference_s16."""
  return emit_binary(w, 'tflm_patch_squared_difference_s16')
