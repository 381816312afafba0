# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a window sees at the borders of a map."""

from __future__ import annotations

import functools

import numpy as np

from tflm_patch.graph.axis_window import AxisWindow


@functools.lru_cache(maxsize=1024)
def seen_taps(window: AxisWindow, size: int, out: int) -> np.ndarray:
  """The different sets of taps that lie inside the map: bool[sets, kernel], read-only."""
  first = np.arange(out)[:, None] * window.stride - window.pad
  position = first + np.arange(window.kernel) * window.dilation
  sets = np.unique((position >= 0) & (position < size), axis=0)
  sets.flags.writeable = False
  return sets


def window_sums(taps: np.ndarray, outside: np.ndarray, seen: list[np.ndarray]) -> np.ndarray:
  """Sums over the taps of a window for each way in which it lies at the borders.

  Args:
    taps: int64[kernel_h, kernel_w, n]: what a tap adds inside the map.
    outside: The same beyond it.
    seen: `seen_taps` of rows and columns.

  Returns:
    int64[ways, n].
  """
  rows, cols = (each.astype(np.int64) for each in seen)
  inner = np.tensordot(rows, taps - outside, axes=(1, 0))
  both = np.tensordot(cols, inner, axes=(1, 1))
  return both.reshape(len(rows) * len(cols), taps.shape[-1]) + outside.sum(axis=(0, 1))
