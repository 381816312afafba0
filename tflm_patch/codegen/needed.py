# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Parts of kernels that a program never runs, for builds that leave them out.

What the kernels for Armv7E-M are for is stated by `tflm_patch_is_dsp_conv` in
src/dsp/conv.c, by `tflm_patch_is_dsp_depthwise` in src/dsp/depthwise_conv.c and by
src/dsp/needed.c, which refuses programs in such builds; limits are read from there.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from tflm_patch.codegen.decode import Op, Stage
from tflm_patch.errors import EnvironmentMissing
from tflm_patch.planner.program import Kind
from tflm_patch.runtime.paths import kernels_dir

# src/family.h says what they leave out. The second one needs the first.
WITHOUT_FALLBACK = 'TFLM_PATCH_DSP_WITHOUT_FALLBACK'
WITHOUT_PAIRS = 'TFLM_PATCH_DSP_WITHOUT_PAIRS'


def left_out(stages: Iterable[Stage]) -> tuple[str, ...]:
  """The macros of what none of some stages runs."""
  stages = list(stages)
  ops = [(stage, op) for stage in stages for op in stage.ops]
  for _, op in ops:
    # A BOTTLENECK runs parts of convolutions.
    if op.kind == Kind.BOTTLENECK or not _IS_FAST.get(op.kind, _always)(op):
      return ()
  if all(
      _is_plain_3x3(stage, op) for stage, op in ops if op.kind == Kind.DEPTHWISE_CONV_2D
  ):
    return WITHOUT_FALLBACK, WITHOUT_PAIRS
  return (WITHOUT_FALLBACK,)


def _always(op: Op) -> bool:
  return True


def _is_fast_conv(op: Op) -> bool:
  params = op.params
  kernel_h, kernel_w = params['window.kernel_h'], params['window.kernel_w']
  taps = kernel_h * kernel_w * op.inputs[0].channels
  pads = params['window.pad_top'], params['window.pad_left']
  is_pointwise = (kernel_h, kernel_w, params['window.stride_w'], *pads) == (1, 1, 1, 0, 0)
  return (
      params['groups'] == 1
      and taps >= 4
      and params['requant.bounded'] == 1
      and kernel_h <= _limit('dsp/conv.c', 'MAX_KERNEL_H')
      and (is_pointwise or taps <= max(op.scratch_bytes, _limit('dsp/conv.c', 'BUFFER_BYTES')))
  )


def _is_fast_depthwise(op: Op) -> bool:
  params = op.params
  limit = functools.partial(_limit, 'dsp/depthwise.h')
  stride = params['window.stride_w']
  return (
      params['depth_multiplier'] == 1
      and params['requant.bounded'] == 1
      and op.inputs[0].channels >= limit('TFLM_PATCH_DEPTHWISE_CHANNELS')
      and params['window.dilation_w'] == 1
      and stride <= limit('TFLM_PATCH_DEPTHWISE_STRIDE')
      and params['window.kernel_w'] <= limit('TFLM_PATCH_DEPTHWISE_TAPS') * stride
      and params['window.kernel_h'] <= limit('TFLM_PATCH_DEPTHWISE_KERNEL_H')
  )


_IS_FAST = {Kind.CONV_2D: _is_fast_conv, Kind.DEPTHWISE_CONV_2D: _is_fast_depthwise}


def _is_plain_3x3(stage: Stage, op: Op) -> bool:
  """Whether a depthwise kernel is 3 x 3 and its shifts are common ones."""
  params = op.params
  at = params['requant.shift_at']
  count = op.inputs[0].channels if params['requant.per_channel'] else 1
  shifts = memoryview(stage.constants)[at : at + count].cast('b')
  most = _limit('dsp/arith.h', 'TFLM_PATCH_MOST_SCALING_SHIFT')
  return (params['window.kernel_h'], params['window.kernel_w']) == (3, 3) and all(
      -most <= shift <= -1 for shift in shifts
  )


@functools.cache
def _limit(file: str, name: str) -> int:
  """A number that a C source defines."""
  path = kernels_dir() / 'src' / file
  found = re.search(rf'^#define {name} (\d+)u\b', path.read_text(encoding='utf-8'), re.MULTILINE)
  if found is None:
    raise EnvironmentMissing(f'{path}: no {name}; reinstall tflm-patch')
  return int(found[1])
