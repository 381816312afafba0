# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MAXIMUM and MINIMUM."""

from __future__ import annotations

from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.codegen.operators.binary import emit_binary
from tflm_patch.program.records import Kind


@register(Kind.MAXIMUM)
def emit_maximum(w: Writer) -> Code:
  """Calls of tflm_patch_maximum_s8."""
  return emit_binary(w, 'tflm_patch_maximum_s8')


@register(Kind.MINIMUM)
def emit_minimum(w: Writer) -> Code:
  """Calls of tflm_patch_minimum_s8."""
  return emit_binary(w, 'tflm_patch_minimum_s8')


@register(Kind.MAXIMUM_S16)
def emit_maximum_int16(w: Writer) -> Code:
  """Calls of tflm_patch_maximum_s16."""
  return emit_binary(w, 'tflm_patch_maximum_s16')


@register(Kind.MINIMUM_S16)
def emit_minimum_int16(w: Writer) -> Code:
  """Calls of tflm_patch_minimum_s16."""
  return emit_binary(w, 'tflm_patch_minimum_s16')
