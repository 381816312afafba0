# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN and SUM over some axes."""

from __future__ import annotations

import math

import numpy as np

from tflm_patch.graph.quantize import scale_of
from tflm_patch.on_device.operators import base
from tflm_patch.on_device.operators.base import Backward, Places, Results, Values, Wanted


@base.register('MEAN', 'SUM')
class Mean(Backward):
  """Every value of a mean gets the same part of its gradient."""

  def refusal(self) -> str | None:
    axes = self.view.integers(1)
    if axes is None or not axes or len(self.view.input().shape) > 4:
      return 'its axes are no constants'
    found = self._axes()
    if found != list(range(found[0], found[-1] + 1)) or 0 in found:
      return 'its axes are not one after the other'
    return base.int8_refusal(self.view)

  def _axes(self) -> list[int]:
    rank = len(self.view.input().shape)
    return sorted({axis % rank for axis in self.view.integers(1) or ()})

  def _sizes(self) -> tuple[int, int, int]:
    """Values before, within and after the axes."""
    shape, axes = self.view.input().shape, self._axes()
    parts = shape[: axes[0]], shape[axes[0] : axes[-1] + 1], shape[axes[-1] + 1 :]
    return math.prod(parts[0]), math.prod(parts[1]), math.prod(parts[2])

  def _scale(self) -> np.float32:
    count = 1 if self.view.opcode == 'SUM' else self._sizes()[1]
    return base.ratio(scale_of(self.view.input()), scale_of(self.view.output()) * count)

  def emit(self, wanted: Wanted, at: Places) -> list[str]:
    outer, count, inner = self._sizes()
    return [
      f'tflm_patch_backward_mean({at.gradient(self.target)}, {outer}, {count}, {inner}, '
      f'{base.c_float(float(self._scale()))}, {at.gradient(self.source)}, '
      f'{int(0 in wanted.added)});'
    ]

  def apply(self, gradient: np.ndarray, wanted: Wanted, values: Values) -> Results:
    del wanted, values
    outer, count, inner = self._sizes()
    part = (gradient * self._scale()).reshape(gradient.shape[0], outer, 1, inner)
    whole = np.broadcast_to(part, (gradient.shape[0], outer, count, inner))
    return {0: whole.reshape(gradient.shape[0], *self.view.input().shape[1:])}
