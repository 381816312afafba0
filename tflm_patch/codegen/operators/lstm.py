# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""LSTM."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import SIGMOID_ENTRIES, Kind

_GATES = 4


@register(Kind.LSTM)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_lstm_s8."""
  source, (made, hidden, cell) = w.op.inputs[0], w.op.outputs
  inputs, units = source.row_values, made.row_values
  arrays = {
    'input_weights': ('int8_t', _GATES * units * inputs),
    'recurrent_weights': ('int8_t', _GATES * units * units),
    'input_bias': ('int32_t', _GATES * units),
    'recurrent_bias': ('int32_t', _GATES * units),
    'table': ('uint16_t', SIGMOID_ENTRIES),
  }
  args = w.struct(
    'tflm_patch_lstm_args',
    'args',
    {
      **{
        name: w.constant(w.params[f'{name}_at'], type_name, n, name)
        for name, (type_name, n) in arrays.items()
      },
      'inputs': inputs,
      'units': units,
    },
  )
  states = w.row(hidden, '0'), w.row(cell, '0', 'int16_t')
  return Code((call('tflm_patch_lstm_s8', w.record(), args, w.row(source), *states, w.row(made)),))
