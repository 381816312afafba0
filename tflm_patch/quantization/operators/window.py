# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Windows of convolutions and pools."""

from __future__ import annotations

import dataclasses

Pair = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Window:
  """A window that slides over rows and columns.

  Attributes:
    kernel, stride, dilation: Of rows and columns.
    same: Zeros around the map so that the output has ceil(size / stride) cells;
      otherwise the windows lie within the map.
  """

  kernel: Pair
  stride: Pair = (1, 1)
  dilation: Pair = (1, 1)
  same: bool = False

  @property
  def padding(self) -> int:
    """The schema's Padding."""
    return 0 if self.same else 1

  @property
  def name(self) -> str:
    """Keras' name of the padding."""
    return 'same' if self.same else 'valid'

  @property
  def is_cell(self) -> bool:
    """Whether every output cell sees one input cell."""
    return self.kernel == (1, 1)

  def extent(self, axis: int) -> int:
    return (self.kernel[axis] - 1) * self.dilation[axis] + 1

  def size(self, axis: int, length: int) -> int:
    """Output cells of an axis."""
    stride = self.stride[axis]
    if self.same:
      return -(-length // stride)
    return (length - self.extent(axis)) // stride + 1

  def same_padding(self, axis: int, length: int) -> Pair:
    """Zeros before and after that SAME would add."""
    out = -(-length // self.stride[axis])
    total = max((out - 1) * self.stride[axis] + self.extent(axis) - length, 0)
    return total // 2, total - total // 2

  def pads(self, shape: tuple[int, ...]) -> bool:
    """Whether a map of this shape (batch, rows, columns, channels) gets zeros around it."""
    return self.same and any(sum(self.same_padding(a, shape[1 + a])) > 0 for a in (0, 1))
