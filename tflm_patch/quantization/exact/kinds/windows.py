# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cells that windows see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tflm_patch.planner.ir.stage_graph import FeatureMap
from tflm_patch.program.params import Window
from tflm_patch.quantization.exact.arithmetic import Arithmetic


def padded(
  arithmetic: Arithmetic, x: Any, window: Window, source: FeatureMap, target: FeatureMap, value: int
) -> Any:
  """The map with a value around it, as far as windows reach."""
  w = window
  axes = (
    (target.rows, w.stride_h, w.kernel_h, w.dilation_h, w.pad_top, source.rows),
    (target.cols, w.stride_w, w.kernel_w, w.dilation_w, w.pad_left, source.cols),
  )
  padding = [(0, 0)]
  for out, stride, kernel, dilation, before, size in axes:
    reach = (out - 1) * stride + (kernel - 1) * dilation + 1
    padding.append((before, max(reach - before - size, 0)))
  return arithmetic.pad(x, (*padding, (0, 0)), value)


def taps(x: Any, window: Window, target: FeatureMap) -> Iterator[tuple[int, int, Any]]:
  """For every tap (row, column) of a window: the cells [batch, rows, cols, ...] that it meets."""
  for i in range(window.kernel_h):
    for j in range(window.kernel_w):
      top, left = i * window.dilation_h, j * window.dilation_w
      bottom = top + (target.rows - 1) * window.stride_h + 1
      right = left + (target.cols - 1) * window.stride_w + 1
      yield i, j, x[:, top : bottom : window.stride_h, left : right : window.stride_w]
