# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SLIDE: the rows that stay move to the front of the window, new ones come behind them."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind


@register(Kind.SLIDE)
def emit(w: Writer) -> Code:
  """Copies a row from further back in the window, or from the input."""
  new, window = w.op.inputs[0], w.op.outputs[0]
  stay = window.rows - new.rows
  old_row = w.row(window, f'({w.step} + {new.rows})')
  new_row = w.row(new, f'({w.step} - {stay})' if new.rows > 1 else '0')
  return Code(
    (
      f'const int8_t* from = {w.step} < {stay} ? {old_row} : {new_row};',
      call('memcpy', w.row(window), 'from', window.row_values * type_bytes(window)),
    )
  )
