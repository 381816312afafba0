# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Blocks of pixels of CONV_2D, for which weights are widened once; see src/dsp/conv_blocks.c."""

from __future__ import annotations

import math

from tflm_patch.cost.work import OperatorWork
from tflm_patch.program import dsp_limits
from tflm_patch.program.records import Kind

_WORD = 4


def block_pixels(work: OperatorWork) -> int:
  """Pixels of a block of a convolution; 0 where its scratch is for too few."""
  taps = math.prod(work.kernel) * work.input[2]
  is_dense = work.kind == Kind.CONV_2D and work.macs == taps * math.prod(work.output)
  room = work.scratch_bytes - dsp_limits.pair_bytes(taps)
  if not is_dense or work.scratch_bytes <= dsp_limits.CONV_STACK_BYTES or room <= 0:
    return 0
  if work.output[2] < 2 or taps < _WORD:
    return 0
  pixels = _pixels(work, taps, room)
  return pixels if pixels >= dsp_limits.BLOCK_PIXELS else 0


def widened_weights(work: OperatorWork) -> int:
  """Fours of weights that are widened for blocks, each time anew."""
  pixels = block_pixels(work)
  if pixels == 0:
    return 0
  rows, cols, channels = work.output
  fours = math.ceil(math.prod(work.kernel) * work.input[2] / _WORD)
  return math.ceil(rows * cols / pixels) * fours * channels


def _pixels(work: OperatorWork, taps: int, room: int) -> int:
  (kernel_h, kernel_w), (rows, cols, _) = work.kernel, work.output
  is_pixel = work.kernel == (1, 1)
  if is_pixel or work.input[2] % _WORD or work.dilation[1] != 1 or cols == 1:
    aside = 0 if is_pixel else dsp_limits.WIDE_PIXELS * taps
    return min((room - aside) // (2 * _WORD * math.ceil(taps / _WORD)), rows * cols)
  column = 2 * kernel_h * work.input[2]
  whole = room // (column * ((cols - 1) * work.stride[1] + kernel_w))
  if whole:
    return min(whole, rows) * cols
  return (room // column - kernel_w) // work.stride[1] + 1
