# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Sliding windows over batches of maps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tflm_patch.graph.axis_window import AxisWindow
from tflm_patch.planner.lowering.operators import OpView
from tflm_patch.planner.lowering.operators.windows import window_of


class Windows:
  """The windows of an operator on [batch, rows, columns, channels].

  Args:
    view: A convolution or a pool of rank 4.
    kernel: Its rows and columns.
  """

  def __init__(self, view: OpView, kernel: tuple[int, int]) -> None:
    self.kernel = kernel
    self.input_shape = view.input().shape[1:]
    self.output_shape = view.output().shape[1:]
    self._axes = window_of(view, kernel)
    reaches = [
      (out - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1
      for axis, out in zip(self._axes, self.output_shape)
    ]
    self._after = [
      max(reach - axis.pad - size, 0)
      for axis, reach, size in zip(self._axes, reaches, self.input_shape)
    ]
    self.is_pointwise = kernel == (1, 1) and self.input_shape[:2] == self.output_shape[:2]

  def padded(self, x: np.ndarray, value: float = 0.0) -> np.ndarray:
    """With a value around it, as far as windows reach; x itself where they do not."""
    around = [(axis.pad, after) for axis, after in zip(self._axes, self._after)]
    if not any(sum(pair) for pair in around):
      return x
    return np.pad(x, ((0, 0), *around, (0, 0)), constant_values=value)

  def empty(self, batch: int) -> np.ndarray:
    """Zeros in the shape of a padded map."""
    rows, cols, channels = self.input_shape
    (first, second), after = self._axes, self._after
    shape = (batch, first.pad + rows + after[0], second.pad + cols + after[1], channels)
    return np.zeros(shape, np.float32)

  def cropped(self, x: np.ndarray) -> np.ndarray:
    """A padded map without what is around it."""
    (first, second), (rows, cols, _) = self._axes, self.input_shape
    return x[:, first.pad : first.pad + rows, second.pad : second.pad + cols]

  def taps(self, x: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """For every tap (row, column): views of the cells of a padded map that it meets."""
    rows, cols = self._axes
    for i in range(self.kernel[0]):
      for j in range(self.kernel[1]):
        yield (
          i,
          j,
          x[:, _cells(rows, i, self.output_shape[0]), _cells(cols, j, self.output_shape[1])],
        )


def _cells(axis: AxisWindow, tap: int, count: int) -> slice:
  begin = tap * axis.dilation
  return slice(begin, begin + (count - 1) * axis.stride + 1, axis.stride)
