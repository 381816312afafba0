# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D."""

from __future__ import annotations

from tflm_patch.codegen.c_text import Value, call
from tflm_patch.codegen.operators.base import COUNT, FIRST, Code, Writer, register
from tflm_patch.program.records import Kind


def arguments(w: Writer, cols: int, channels: int) -> dict[str, Value]:
  """Fields of tflm_patch_depthwise_conv_args that those of int16 maps have, too.

  Args:
    w: Of an operator or a part of one.
    cols, channels: Of the output.
  """
  return {
    **w.weighted(channels * w.taps(), channels),
    'depth_multiplier': w.params['depth_multiplier'],
    'output_cols': cols,
    'output_channels': channels,
  }


@register(Kind.DEPTHWISE_CONV_2D)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_depthwise_conv_rows_s8."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  args = w.struct(
    'tflm_patch_depthwise_conv_args',
    'args',
    {
      **arguments(w, target.cols, target.channels),
      'input_zero_point': source.zero_point,
      **w.spare_scratch(),
    },
  )
  return Code(
    rows=call(
      'tflm_patch_depthwise_conv_rows_s8',
      args,
      w.view(source),
      w.view(target, 'output'),
      FIRST,
      COUNT,
    )
  )


@register(Kind.DEPTHWISE_CONV_2D_S16)
def emit_int16(w: Writer) -> Code:
  """Calls of tflm_patch_depthwise_conv_s16."""
  source, target = w.op.inputs[0], w.op.outputs[0]
  fields = arguments(w, target.cols, target.channels)
  args = w.struct('tflm_patch_depthwise_conv_args', 'args', fields)
  row = w.row(target, None, 'int16_t')
  return Code((call('tflm_patch_depthwise_conv_s16', args, w.view(source), w.step, row),))
