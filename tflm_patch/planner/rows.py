# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which input rows the steps of an operator read."""

from __future__ import annotations

import numpy as np

from tflm_patch.planner.stage_ir import RowReads


def window_reads(
    steps: int, rows: int, kernel: int, stride: int, dilation: int = 1, pad: int = 0
) -> RowReads:
  """Reads of a sliding window.

  Args:
    steps: Output rows.
    rows: Input rows.
    kernel, stride, dilation: In rows.
    pad: Rows of padding above the input.
  """
  low = np.arange(steps, dtype=np.int64) * stride - pad
  high = low + (kernel - 1) * dilation
  return RowReads(np.maximum(low, 0), np.minimum(high, rows - 1))


def spread_reads(steps: int, rows: int, kernel: int, stride: int, pad: int) -> RowReads:
  """Reads where input row i reaches the output rows i * stride - pad .. + kernel - 1."""
  at = np.arange(steps, dtype=np.int64) + pad
  first = np.maximum((at - kernel) // stride + 1, 0)
  return RowReads(first, np.minimum(at // stride, rows - 1))


def same_row(steps: int, rows: int) -> RowReads:
  """Step t reads row t, or the only row of a broadcast input."""
  if rows == 1:
    return whole_map(steps, 1)
  index = np.arange(steps, dtype=np.int64)
  return RowReads(index, index)


def whole_map(steps: int, rows: int) -> RowReads:
  """Every step reads all rows."""
  return RowReads(np.zeros(steps, np.int64), np.full(steps, rows - 1, np.int64))


def reshaped_rows(steps: int, values: int, rows: int, row_values: int) -> RowReads:
  """Step t reads the rows in which the values t * values .. + values - 1 lie."""
  first = np.arange(steps, dtype=np.int64) * values
  return RowReads(first // row_values, np.minimum((first + values - 1) // row_values, rows - 1))


def listed_rows(index: np.ndarray) -> RowReads:
  """Step t reads row index[t]."""
  return RowReads(index.astype(np.int64), index.astype(np.int64))


def shifted_rows(steps: int, rows: int, above: int) -> RowReads:
  """Step t reads row t - above, none where that is outside (explicit padding)."""
  index = np.arange(steps, dtype=np.int64) - above
  return RowReads(np.maximum(index, 0), np.minimum(index, rows - 1))
