# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Ranges of tensors that share a scale, and the grids of integers that follow from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from tflm_patch.graph.builder import per_tensor
from tflm_patch.graph.types import Quantization
from tflm_patch.quantization.scales import MIN_WIDTH, ScaleGroup
from tflm_patch.training.quantization_aware.rounding import straight_through


@dataclasses.dataclass(frozen=True)
class Grid:
  """The values of a tensor: scale * steps, with steps from `low` to `high`.

  Steps are the integers of the file less the zero point.

  Attributes:
    scale, zero_point: float32 scalars.
  """

  scale: Any
  zero_point: Any

  @property
  def low(self) -> Any:
    return -128.0 - self.zero_point

  @property
  def high(self) -> Any:
    return 127.0 - self.zero_point

  def quantization(self) -> Quantization:
    """As the file holds it."""
    scale, zero_point = (float(ops.convert_to_numpy(x)) for x in (self.scale, self.zero_point))
    return per_tensor(scale, int(zero_point))


def grids(groups: Sequence[ScaleGroup], ranges: Any, steps: Any) -> list[Grid]:
  """Of every group; as `scales.quantization_of` where the kernel does not decide.

  Args:
    groups: In the order of the ranges.
    ranges: float32[groups, 2], lowest and highest value.
    steps: 255, as a tensor that compilers do not know.
  """
  caps = np.array([(group.cap.low, group.cap.high) for group in groups], np.float32)
  low = ops.maximum(ops.minimum(ranges[:, 0], 0.0), caps[:, 0])
  high = ops.minimum(ops.maximum(ranges[:, 1], 0.0), caps[:, 1])
  high = ops.maximum(high, low + MIN_WIDTH)
  scale = (high - low) / steps
  below, above = low / scale, high / scale
  from_low = ops.abs(below) + 128 < ops.abs(above) + 127
  place = ops.where(from_low, -128.0 - below, 127.0 - above)
  zero_point = straight_through(ops.clip(ops.round(place), -128, 127), place)
  return [_grid(group, scale[k], zero_point[k]) for k, group in enumerate(groups)]


def _grid(group: ScaleGroup, scale: Any, zero_point: Any) -> Grid:
  if group.fixed is None:
    return Grid(scale, zero_point)
  fixed = (group.fixed.scale, group.fixed.zero_point)
  return Grid(*(ops.convert_to_tensor(x, 'float32') for x in fixed))
