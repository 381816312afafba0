# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""APPEND: new rows behind those of a window, which others may lie beside."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register, type_bytes
from tflm_patch.program.records import Kind, Region


@register(Kind.APPEND)
def emit(w: Writer) -> Code:
  """Moves all windows down where this is the first of several, and copies a new row."""
  new, window = w.op.inputs[0], w.op.outputs[0]
  stay, params = window.rows - new.rows, w.op.params
  first: tuple[str, ...] = ()
  if params['bytes']:
    at = w.place(Region.STATE, params['at'])
    old = w.place(Region.STATE, params['at'] + params['distance'])
    first = (call('memmove', at, old, params['bytes']),)
  new_row = w.row(new, f'({w.step} - {stay})' if new.rows > 1 else '0')
  size = window.row_values * type_bytes(window)
  copy = call('memcpy', w.row(window), new_row, size)
  return Code((f'if ({w.step} >= {stay}) {{', f'  {copy}', '}'), first=first)
