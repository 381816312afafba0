# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How tensors of any rank lie in rows, columns and channels."""

from __future__ import annotations

from tflm_patch.graph.types import DType, Tensor

EIGHT_BITS = (DType.INT8, DType.UINT8)


def feature_shape(tensor: Tensor) -> tuple[int, int, int] | None:
  """(rows, cols, channels) of a tensor; None when the stage has no such map.

  Rank 4 is [1, rows, cols, channels], rank 3 [1, rows, channels] with one
  column, rank 2 [rows, channels] with one column; lower ranks are one vector.
  """
  shape = tensor.shape
  if len(shape) == 4 and shape[0] == 1:
    return shape[1], shape[2], shape[3]
  if len(shape) == 3 and shape[0] == 1:
    return shape[1], 1, shape[2]
  if len(shape) == 2:
    return shape[0], 1, shape[1]
  if len(shape) < 2:
    return 1, 1, tensor.elements
  return None


def map_axes(rank: int) -> tuple[int | None, int | None, int | None]:
  """Dimensions of a tensor that are its map's rows, columns and channels."""
  axes: dict[int, tuple[int | None, int | None, int | None]] = {
    0: (None, None, None),
    1: (None, None, 0),
    2: (0, None, 1),
    3: (1, None, 2),
  }
  return axes.get(rank, (1, 2, 3))
