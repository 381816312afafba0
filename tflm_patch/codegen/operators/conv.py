# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONV_2D."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import COUNT, FIRST, Code, Writer, register
from tflm_patch.planner.program import Kind


@register(Kind.CONV_2D)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_conv_rows_s8."""
  source, target, params = w.op.inputs[0], w.op.outputs[0], w.params
  channels = target.channels
  taps = params['window.kernel_h'] * params['window.kernel_w']
  weights = channels * taps * (source.channels // max(1, params['groups']))
  args = w.struct('tflm_patch_conv_args', 'args', {
      'window': w.window(),
      'requant': w.requant(channels),
      'weights': w.constant(params['weights_at'], 'int8_t', weights, 'weights'),
      'bias': w.constant(params['bias_at'], 'int32_t', channels, 'bias'),
      'input_zero_point': source.zero_point,
      'groups': params['groups'],
      'output_cols': target.cols,
      'output_channels': channels,
      **w.spare_scratch(),
  })  # fmt: skip
  return Code(
      rows=call('tflm_patch_conv_rows_s8', args, w.view(source), w.view(target, 'output'), FIRST,
                COUNT),
  )  # fmt: skip


@register(Kind.CONV_2D_S16)
def emit_int16(w: Writer) -> Code:
  """Calls of tflm_patch_conv_s16."""
  source, target, params = w.op.inputs[0], w.op.outputs[0], w.params
  channels = target.channels
  taps = params['window.kernel_h'] * params['window.kernel_w']
  weights = channels * taps * (source.channels // max(1, params['groups']))
  args = w.struct('tflm_patch_conv_s16_args', 'args', {
      'window': w.window(),
      'requant': w.requant(channels),
      'weights': w.constant(params['weights_at'], 'int8_t', weights, 'weights'),
      'bias': w.bias_int64(channels),
      'groups': params['groups'],
      'output_cols': target.cols,
      'output_channels': channels,
  })  # fmt: skip
  row = w.row(target, None, 'int16_t')
  return Code((call('tflm_patch_conv_s16', args, w.view(source), w.step, row),))
