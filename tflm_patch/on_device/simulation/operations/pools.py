# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN, AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.graph.quantize import scale_of
from tflm_patch.on_device.simulation.operations.base import Operation, operation
from tflm_patch.on_device.simulation.operations.lowered import Lowered
from tflm_patch.on_device.simulation.windows import Windows
from tflm_patch.planner.lowering.operators import OpView


@operation('MEAN')
class Mean(Operation):
  """Every element has an equal share."""

  def __init__(self, view: OpView) -> None:
    super().__init__(view)
    self._forward = Lowered(view)
    self._shape = view.input().shape
    rank = len(self._shape)
    axes = {axis % rank for axis in view.integers(1) or ()}
    self._kept = tuple(1 if axis in axes else size for axis, size in enumerate(self._shape))[1:]
    count = int(np.prod([self._shape[axis] for axis in axes]))
    self._factor = np.float32(scale_of(view.input()) / scale_of(view.output()) / count)

  def forward(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, Any]:
    result, _ = self._forward(values)
    return result, len(values[0])

  def backward(self, gradient: np.ndarray, kept: Any) -> Sequence[np.ndarray | None]:
    shared = (gradient * self._factor).reshape(kept, *self._kept)
    return [np.broadcast_to(shared, (kept, *self._shape[1:]))]


class _Pool(Operation):
  def __init__(self, view: OpView) -> None:
    super().__init__(view)
    self._forward = Lowered(view)
    kernel = (int(view.option('filterHeight')), int(view.option('filterWidth')))
    self._windows = Windows(view, kernel)


@operation('AVERAGE_POOL_2D')
class AveragePool(_Pool):
  """Every cell of a window that lies in the map has an equal share."""

  def forward(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, Any]:
    result, inside = self._forward(values)
    return result, inside

  def backward(self, gradient: np.ndarray, kept: Any) -> Sequence[np.ndarray | None]:
    ones = np.ones((1, *self._windows.input_shape[:2], 1), np.float32)
    counts = sum(part for _, _, part in self._windows.taps(self._windows.padded(ones)))
    share = gradient * kept / counts
    target = self._windows.empty(len(gradient))
    for _, _, part in self._windows.taps(target):
      part += share
    return [self._windows.cropped(target)]


@operation('MAX_POOL_2D')
class MaxPool(_Pool):
  """The first of the largest cells of a window has the gradient."""

  def forward(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, Any]:
    result, inside = self._forward(values)
    return result, (inside, values[0])

  def backward(self, gradient: np.ndarray, kept: Any) -> Sequence[np.ndarray | None]:
    inside, values = kept
    cells = [part for _, _, part in self._windows.taps(self._windows.padded(values, -np.inf))]
    largest = np.argmax(np.stack(cells), axis=0)
    share = gradient * inside
    target = self._windows.empty(len(gradient))
    for number, (_, _, part) in enumerate(self._windows.taps(target)):
      part += np.where(largest == number, share, np.float32(0))
    return [self._windows.cropped(target)]
