# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What of the kernels a program never runs, for builds that leave it out.

src/family.h says what the macros leave out. What the kernels of the dsp family are for is
stated by `tflm_patch_is_dsp_conv` in src/dsp/conv.c, `tflm_patch_is_dsp_depthwise` in
src/dsp/depthwise_conv.c, `tflm_patch_is_dsp_fully_connected` in src/dsp/gemm.h and by
src/dsp/needed.c, which refuses programs in such builds.
"""

from __future__ import annotations

from collections.abc import Iterable

from tflm_patch.program import dsp_limits as limits
from tflm_patch.program.decode import Op, Stage
from tflm_patch.program.records import Kind, Sums

WITHOUT_ROW_SUMS = 'TFLM_PATCH_WITHOUT_ROW_SUMS'
WITHOUT_FALLBACK = 'TFLM_PATCH_DSP_WITHOUT_FALLBACK'
WITHOUT_PAIRS = 'TFLM_PATCH_DSP_WITHOUT_PAIRS'  # where the fallback is left out, too
WITHOUT_WIDE_WINDOWS = 'TFLM_PATCH_DSP_WITHOUT_WIDE_WINDOWS'
WITHOUT_BLOCKS = 'TFLM_PATCH_DSP_WITHOUT_BLOCKS'
WITHOUT_PARTS = 'TFLM_PATCH_DSP_WITHOUT_PARTS'
WITHOUT_COLUMNS = 'TFLM_PATCH_DSP_WITHOUT_COLUMNS'


def left_out(stages: Iterable[Stage]) -> tuple[str, ...]:
  """The macros of what none of some stages runs."""
  ops = [(stage, op) for stage in stages for op in stage.ops]
  macros = []
  if not any(_has_several_rows(op) for _, op in ops):
    macros.append(WITHOUT_ROW_SUMS)
  # A BOTTLENECK runs parts of convolutions.
  if any(op.kind == Kind.BOTTLENECK for _, op in ops):
    return tuple(macros)
  if all(_IS_FAST[op.kind](op) for _, op in ops if op.kind in _IS_FAST):
    macros.append(WITHOUT_FALLBACK)
    depthwise = [
      (stage, op) for stage, op in ops if op.kind == Kind.DEPTHWISE_CONV_2D and not _is_column(op)
    ]
    if all(_is_plain_3x3(stage, op) for stage, op in depthwise):
      macros.append(WITHOUT_PAIRS)
  if not any(_has_wide_windows(op) for _, op in ops if op.kind == Kind.CONV_2D):
    macros.append(WITHOUT_WIDE_WINDOWS)
  if not any(_has_blocks(op) for _, op in ops if op.kind == Kind.CONV_2D):
    macros.append(WITHOUT_BLOCKS)
  if not any(_has_parts(op) for _, op in ops if op.kind == Kind.CONV_2D):
    macros.append(WITHOUT_PARTS)
  if not any(_is_column(op) for _, op in ops if op.kind == Kind.DEPTHWISE_CONV_2D):
    macros.append(WITHOUT_COLUMNS)
  return tuple(macros)


def _has_several_rows(op: Op) -> bool:
  kinds = (Kind.FULLY_CONNECTED, Kind.FULLY_CONNECTED_S16)
  return op.kind in kinds and op.params['flatten'] == 1 and op.inputs[0].rows > 1


def _is_pointwise(op: Op) -> bool:
  fields = ('kernel_h', 'kernel_w', 'stride_w', 'pad_top', 'pad_left')
  return [op.params[f'window.{field}'] for field in fields] == [1, 1, 1, 0, 0]


def _has_wide_windows(op: Op) -> bool:
  return not _is_pointwise(op) and op.inputs[0].channels % 4 == 0


def _has_blocks(op: Op) -> bool:
  return op.scratch_bytes > limits.CONV_STACK_BYTES


def _has_parts(op: Op) -> bool:
  channels = op.inputs[0].channels
  taps = op.params['window.kernel_h'] * op.params['window.kernel_w'] * channels
  room = max(op.scratch_bytes, limits.CONV_STACK_BYTES)
  return limits.is_in_parts(taps, channels, op.outputs[0].channels, room)


def _is_fast_fully_connected(op: Op) -> bool:
  values = op.inputs[0].row_values * (op.inputs[0].rows if op.params['flatten'] else 1)
  return values >= 4 and op.params['requant.sums'] == Sums.BOUNDED


def _is_fast_conv(op: Op) -> bool:
  params = op.params
  kernel_h, kernel_w = params['window.kernel_h'], params['window.kernel_w']
  taps = kernel_h * kernel_w * op.inputs[0].channels
  return (
    params['groups'] == 1
    and taps >= 4
    and params['requant.sums'] == Sums.BOUNDED
    and kernel_h <= limits.CONV_KERNEL_H
    and (_is_pointwise(op) or taps <= max(op.scratch_bytes, limits.CONV_STACK_BYTES))
  )


def _is_column(op: Op) -> bool:
  window = op.params['window.kernel_w'], op.params['window.pad_left']
  return (
    op.params['depth_multiplier'] == 1
    and window == (1, 0)
    and op.outputs[0].cols == 1
    and op.params['window.kernel_h'] <= limits.DEPTHWISE_COLUMN_ROWS
    and op.inputs[0].channels >= limits.DEPTHWISE_CHANNELS
  )


def _is_fast_depthwise(op: Op) -> bool:
  params = op.params
  stride = params['window.stride_w']
  return _is_column(op) or (
    params['depth_multiplier'] == 1
    and params['requant.sums'] == Sums.BOUNDED
    and op.inputs[0].channels >= limits.DEPTHWISE_CHANNELS
    and params['window.dilation_w'] == 1
    and stride <= limits.DEPTHWISE_STRIDE
    and params['window.kernel_w'] <= limits.DEPTHWISE_TAPS * stride
    and params['window.kernel_h'] <= limits.DEPTHWISE_KERNEL_H
  )


_IS_FAST = {
  Kind.CONV_2D: _is_fast_conv,
  Kind.DEPTHWISE_CONV_2D: _is_fast_depthwise,
  Kind.FULLY_CONNECTED: _is_fast_fully_connected,
}


def _is_plain_3x3(stage: Stage, op: Op) -> bool:
  """Whether a depthwise kernel is 3 x 3 and its shifts are common ones."""
  params = op.params
  at = params['requant.shift_at']
  count = op.inputs[0].channels if params['requant.per_channel'] else 1
  shifts = memoryview(stage.constants)[at : at + count].cast('b')
  most = limits.MOST_SCALING_SHIFT
  return (params['window.kernel_h'], params['window.kernel_w']) == (3, 3) and all(
    -most <= shift <= -1 for shift in shifts
  )
