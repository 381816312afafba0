# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.program.params import ResizeParams
from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic
from tflm_patch.quantization.exact.kinds.registry import Maps, array, kind

_WHOLE = 1 << 10  # of the weights


@kind(Kind.RESIZE_NEAREST)
def nearest(arithmetic: Arithmetic, params: ResizeParams, maps: Maps, values: Sequence[Any]) -> Any:
  """Copies rows and columns."""
  del maps
  x = values[0]
  for axis, index in ((1, params.rows), (2, params.cols)):
    x = arithmetic.xp.take(x, arithmetic.integers(array(index)), axis=axis)
  return x


@kind(Kind.RESIZE_BILINEAR)
def bilinear(
  arithmetic: Arithmetic, params: ResizeParams, maps: Maps, values: Sequence[Any]
) -> Any:
  """Four products, rounded once, halves away from zero."""
  size = (maps.input.rows, maps.input.cols)
  return interpolated(arithmetic, values[0], array(params.rows), array(params.cols), size)


def interpolated(
  arithmetic: Arithmetic, x: Any, rows: np.ndarray, cols: np.ndarray, sizes: Sequence[int]
) -> Any:
  """A map between its cells.

  Args:
    arithmetic: Computes.
    x: [batch, rows, columns, channels].
    rows, cols: For every row and column of the output: the cell before, and the weight of
      the one after in parts of 1,024.
    sizes: Rows and columns of the map.
  """
  for axis, size, positions in ((1, sizes[0], rows), (2, sizes[1], cols)):
    index, weight = positions.astype(np.int64).T
    after = np.minimum(index + (weight > 0), size - 1)
    shape = [1, 1, 1, 1]
    shape[axis] = -1
    far = arithmetic.integers(weight.reshape(shape))
    low = arithmetic.xp.take(x, arithmetic.integers(index), axis=axis)
    high = arithmetic.xp.take(x, arithmetic.integers(after), axis=axis)
    x = low * (arithmetic.integers(_WHOLE) - far) + high * far
  half = arithmetic.integers(_WHOLE * _WHOLE // 2)
  rounded = arithmetic.shift_right(arithmetic.xp.abs(x) + half, arithmetic.integers(20))
  return arithmetic.xp.where(x > arithmetic.integers(0), rounded, -rounded)
