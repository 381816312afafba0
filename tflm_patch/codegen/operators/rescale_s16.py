# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESCALE, LOGISTIC and TANH of int16 maps."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind

_ENTRIES = 256
_FUNCTIONS = {Kind.LOGISTIC_S16: 'tflm_patch_logistic_s16', Kind.TANH_S16: 'tflm_patch_tanh_s16'}


@register(Kind.RESCALE_S16)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_rescale_s16."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  rows = w.row(source, None, 'int16_t'), w.row(target, None, 'int16_t')
  return Code((call('tflm_patch_rescale_s16', w.record(), *rows, source.row_values),))


@register(*_FUNCTIONS)
def emit_sigmoid(w: Writer) -> Code:
  """Calls of tflm_patch_logistic_s16 or tflm_patch_tanh_s16."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  table = w.constant(w.params['table_at'], 'uint16_t', _ENTRIES, 'table')
  rows = w.row(source, None, 'int16_t'), w.row(target, None, 'int16_t')
  return Code((call(_FUNCTIONS[w.op.kind], w.record(), table, *rows, source.row_values),))
