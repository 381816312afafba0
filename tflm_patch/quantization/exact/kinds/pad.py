# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""PAD and STRIDED_SLICE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tflm_patch.program.params import PadParams, StridedSliceParams
from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic
from tflm_patch.quantization.exact.kinds.registry import Maps, kind


@kind(Kind.PAD)
def pad(arithmetic: Arithmetic, params: PadParams, maps: Maps, values: Sequence[Any]) -> Any:
  """With a value around."""
  source, target = maps.input, maps.output
  padding = (
    (0, 0),
    (params.top, target.rows - source.rows - params.top),
    (params.left, target.cols - source.cols - params.left),
    (params.front, target.channels - source.channels - params.front),
  )
  return arithmetic.pad(values[0], padding, params.value)


@kind(Kind.STRIDED_SLICE)
def strided_slice(
  arithmetic: Arithmetic, params: StridedSliceParams, maps: Maps, values: Sequence[Any]
) -> Any:
  """Cells at equal distances; columns and channels may run backward."""
  del arithmetic
  target = maps.output
  axes = (
    (params.begin_row, params.row_stride, target.rows),
    (params.begin_col, params.col_stride, target.cols),
    (params.begin_channel, params.channel_stride, target.channels),
  )
  key = (slice(None), *(_slice(*axis) for axis in axes))
  return values[0][key]


def _slice(begin: int, stride: int, count: int) -> slice:
  last = begin + (count - 1) * stride
  if stride > 0:
    return slice(begin, last + 1, stride)
  return slice(begin, last - 1 if last > 0 else None, stride)
