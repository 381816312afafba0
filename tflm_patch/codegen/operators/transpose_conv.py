# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.planner.program import Kind


@register(Kind.TRANSPOSE_CONV)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_transpose_conv_s8."""
  source, target, params = w.op.inputs[0], w.op.outputs[0], w.params
  channels = target.channels
  filters = channels * params['window.kernel_h'] * params['window.kernel_w']
  args = w.struct('tflm_patch_transpose_conv_args', 'args', {
      'window': w.window(),
      'requant': w.requant(channels),
      'weights': w.constant(
          params['weights_at'], 'int8_t', filters * source.channels, 'weights'
      ),
      'bias': w.constant(params['bias_at'], 'int32_t', channels, 'bias'),
      'offsets': w.constant(params['offsets_at'], 'int32_t', filters, 'offsets'),
      'output_cols': target.cols,
      'output_channels': channels,
  })  # fmt: skip
  return Code((
      call('tflm_patch_transpose_conv_s8', args, w.view(source), w.step, w.row(target)),
  ))  # fmt: skip
