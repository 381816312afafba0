# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONV_2D."""

from __future__ import annotations

from collections.abc import Mapping

from tflm_patch.codegen.c_text import Value, call
from tflm_patch.codegen.operators.base import COUNT, FIRST, Code, Writer, register
from tflm_patch.planner import program
from tflm_patch.planner.program import Kind


@register(Kind.CONV_2D, record=program.CONV)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_conv_rows_s8."""
  source, target, params = w.op.inputs[0], w.op.outputs[0], w.params
  bias = w.constant(params['bias_at'], 'int32_t', target.channels, 'bias')
  args = _args(w, bias, {'input_zero_point': source.zero_point, **w.spare_scratch()})
  return Code(
      rows=call('tflm_patch_conv_rows_s8', args, w.view(source), w.view(target, 'output'), FIRST,
                COUNT),
  )  # fmt: skip


@register(Kind.CONV_2D_S16, record=program.CONV)
def emit_int16(w: Writer) -> Code:
  """Calls of tflm_patch_conv_s16."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  args = _args(w, w.bias_int64(target.channels), {})
  row = w.row(target, None, 'int16_t')
  return Code((call('tflm_patch_conv_s16', args, w.view(source), w.step, row),))


def _args(w: Writer, bias: str, more: Mapping[str, Value]) -> str:
  source, target, params = w.op.inputs[0], w.op.outputs[0], w.params
  channels = target.channels
  taps = params['window.kernel_h'] * params['window.kernel_w']
  weights = channels * taps * (source.channels // max(1, params['groups']))
  return w.struct('tflm_patch_conv_args', 'args', {
      'window': w.window(),
      'requant': w.requant(channels),
      'weights': w.constant(params['weights_at'], 'int8_t', weights, 'weights'),
      'bias': bias,
      'groups': params['groups'],
      'output_cols': target.cols,
      'output_channels': channels,
      **more,
  })  # fmt: skip
