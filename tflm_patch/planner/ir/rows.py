# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which input rows the steps of an operator read."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph.axis_window import AxisWindow
from tflm_patch.planner.ir.stage_graph import RowReads


def window_reads(steps: int, rows: int, window: AxisWindow) -> RowReads:
  """Reads of a sliding window.

  Args:
    steps: Output rows.
    rows: Input rows.
    window: Along the rows.
  """
  index = np.arange(steps, dtype=np.int64)
  low, high = window.reads(index, index)
  return RowReads(np.maximum(low, 0), np.minimum(high, rows - 1))


def read_again(reads: RowReads) -> int:
  """How many rows the steps read that the step before has read, too, summed up."""
  return int(np.maximum(reads.last[:-1] + 1 - reads.first[1:], 0).sum())


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


def part_of_rows(steps: int, begin: int, size: int) -> RowReads:
  """Steps begin .. begin + size - 1 read the rows of a part, one by one; the others none."""
  index = np.arange(steps, dtype=np.int64) - begin
  return RowReads(np.clip(index, 0, size), np.clip(index, -1, size - 1))


def listed_rows(index: np.ndarray) -> RowReads:
  """Step t reads row index[t]."""
  return RowReads(index.astype(np.int64), index.astype(np.int64))
