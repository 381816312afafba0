# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""NODE_ORDER."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind


@register(Kind.NODE_ORDER)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_displace_row."""
  source, made = w.op.inputs[0], w.op.outputs[0]
  place = made if w.params['back'] else source
  exchange = w.row_from_table(place, w.params['exchanges_at'], made.rows)
  return Code(
    (
      call(
        'tflm_patch_displace_row',
        w.row(place, exchange, 'uint8_t'),
        w.row(source, None, 'uint8_t'),
        w.row(made, None, 'uint8_t'),
        source.row_values * type_bytes(source),
      ),
    )
  )
