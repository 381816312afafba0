# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""NEIGHBOURS."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.NEIGHBOURS)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_neighbours_s8."""
  source, made = w.op.inputs[0], w.op.outputs[0]
  connections = w.params['connections']
  args = w.struct(
    'tflm_patch_neighbours_args',
    'args',
    {
      **w.weighted(connections, made.rows),
      'starts': w.constant(w.params['starts_at'], 'uint32_t', made.rows + 1, 'starts'),
      'nodes': w.constant(w.params['nodes_at'], 'uint16_t', connections, 'nodes'),
      'weights_zero_point': w.params['weights_zero_point'],
    },
  )
  return Code((call('tflm_patch_neighbours_s8', args, w.view(source), w.step, w.row(made)),))
