# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SVDF."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, is_type, register, type_name
from tflm_patch.graph.types import DType
from tflm_patch.program.records import Kind


@register(Kind.SVDF)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_svdf_s8."""
  source, (made, state) = w.op.inputs[0], w.op.outputs
  inputs, units = source.row_values, made.row_values
  filters = units * w.params['rank']
  arrays = {
    'weights': ('int8_t', filters * inputs),
    'feature_bias': ('int32_t', filters),
    'time_weights': (type_name(state), state.row_values),
    'bias': ('int32_t', units),
  }
  args = w.struct(
    'tflm_patch_svdf_args',
    'args',
    {
      **{
        name: w.constant(w.params[f'{name}_at'], c_type, n, name)
        for name, (c_type, n) in arrays.items()
      },
      'inputs': inputs,
      'units': units,
      'state_zero_point': state.zero_point,
      'is_int16': int(is_type(state, DType.INT16)),
    },
  )
  numbers = w.row(state, '0', 'void')
  return Code((call('tflm_patch_svdf_s8', w.record(), args, w.row(source), numbers, w.row(made)),))
