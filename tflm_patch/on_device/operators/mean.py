# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN and SUM over some axes."""

from __future__ import annotations

import math

import numpy as np

from tflm_patch.graph.quantize import scale_of
from tflm_patch.on_device.operators import base, clamps
from tflm_patch.on_device.operators.base import Backward, Effort, Places, Results, Values, Wanted


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

  def sizes(self) -> tuple[int, int, int]:
    """Values before, within and after the axes."""
    shape, axes = self.view.input().shape, self._axes()
    parts = shape[: axes[0]], shape[axes[0] : axes[-1] + 1], shape[axes[-1] + 1 :]
    return math.prod(parts[0]), math.prod(parts[1]), math.prod(parts[2])

  def scale(self) -> np.float32:
    """What the gradient is scaled by."""
    count = 1 if self.view.opcode == 'SUM' else self.sizes()[1]
    return base.ratio(scale_of(self.view.input()), scale_of(self.view.output()) * count)

  def effort(self, wanted: Wanted) -> Effort:
    del wanted
    return {'moved': self.view.input().elements}

  def emit(self, wanted: Wanted, at: Places) -> list[str]:
    outer, count, inner = self.sizes()
    return [
      f'tflm_patch_backward_mean({at.gradient(self.target)}, {outer}, {count}, {inner}, '
      f'{base.c_float(float(self.scale()))}, {at.gradient(self.source)}, '
      f'{int(0 in wanted.added)});'
    ]

  def emit_integer(self, wanted: Wanted, at: Places) -> list[str]:
    return [
      clamps.emit_integer_copy(
        self.view, self.scale(), self.sizes(), 0 in wanted.added, at, self.source
      )
    ]

  def apply(self, gradient: np.ndarray, wanted: Wanted, values: Values) -> Results:
    del wanted, values
    outer, count, inner = self.sizes()
    part = (gradient * self.scale()).reshape(gradient.shape[0], outer, 1, inner)
    whole = np.broadcast_to(part, (gradient.shape[0], outer, count, inner))
    return {0: whole.reshape(gradient.shape[0], *self.view.input().shape[1:])}
