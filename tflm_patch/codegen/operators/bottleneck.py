# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""BOTTLENECK: three convolutions, some columns at a time."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators import conv, depthwise_conv
from tflm_patch.codegen.operators.base import Code, Writer, register
from tflm_patch.program.records import Kind


@register(Kind.BOTTLENECK)
def emit(w: Writer) -> Code:
  """Calls of tflm_patch_bottleneck_s8."""
  source, target, params = w.op.inputs[0], w.op.outputs[0], w.params
  wide = params['wide_channels']
  narrow = wide * params['depthwise.depth_multiplier']
  expand, depthwise, project = map(w.part, ('expand', 'depthwise', 'project'))
  args = w.struct(
    'tflm_patch_bottleneck_args',
    'args',
    {
      'expand': {
        **conv.arguments(expand, source.channels, params['wide_cols'], wide),
        'input_zero_point': source.zero_point,
      },
      'depthwise': {
        **depthwise_conv.arguments(depthwise, target.cols, narrow),
        'input_zero_point': params['wide_zero_point'],
      },
      'project': conv.arguments(project, narrow, target.cols, target.channels),
      **{name: params[name] for name in ('wide_rows', 'tile_cols', 'held_cols')},
      'scratch': w.scratch('int8_t'),
    },
  )
  return Code((call('tflm_patch_bottleneck_s8', args, w.view(source), w.step, w.row(target)),))
