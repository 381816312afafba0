# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""FEED: rows of a frame from its bands."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind


@register(Kind.FEED)
def emit(w: Writer) -> Code:
  """Copies a row of the band."""
  band, frame = w.op.inputs[0], w.op.outputs[0]
  row = w.row(band, f'{w.step} % {band.rows}' if band.rows > 1 else '0')
  return Code((call('memcpy', w.row(frame), row, frame.row_values * type_bytes(frame)),))
