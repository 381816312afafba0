# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.TRANSPOSE_CONV)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_transpose_conv_s8."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  filters = target.channels * w.taps()
  args = w.struct(
    'tflm_patch_conv_args',
    'args',
    {
      **w.weighted(filters * source.channels, target.channels),
      'output_cols': target.cols,
      'output_channels': target.channels,
    },
  )
  offsets = w.constant(w.params['offsets_at'], 'int32_t', filters, 'offsets')
  return Code(
    (call('tflm_patch_transpose_conv_s8', args, offsets, w.view(source), w.step, w.row(target)),)
  )


@register(Kind.TRANSPOSE_CONV_S16)
def emit_int16(w: Writer) -> Code:
  """Calls of tflm_patch_transpose_conv_s16."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  weights = target.channels * w.taps() * source.channels
  fields = {
    **w.weighted(weights, target.channels),
    'output_cols': target.cols,
    'output_channels': target.channels,
  }
  args = w.struct('tflm_patch_conv_args', 'args', fields)
  row = w.row(target, None, 'int16_t')
  return Code((call('tflm_patch_transpose_conv_s16', args, w.view(source), w.step, row),))
