# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RELU and its like as operators of their own."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.quantize import scale_of, zero_point_of
from tflm_patch.on_device import integers
from tflm_patch.on_device.operators import base, clamps
from tflm_patch.on_device.operators.base import (
  Backward,
  Effort,
  Kept,
  Places,
  Results,
  Values,
  Wanted,
)

# The fused activation of the same name.
_FUSED = {'RELU': 1, 'RELU_N1_TO_1': 2, 'RELU6': 3}


@base.register(*_FUSED)
class Relu(Backward):
  """G_x = G * s_x / s_y within the clamp."""

  def refusal(self) -> str | None:
    return base.int8_refusal(self.view)

  def kept(self, wanted: Wanted) -> Kept:
    del wanted
    return Kept(mask=True)

  def in_place(self, wanted: Wanted) -> int | None:
    return 0 if 0 in wanted.inputs and 0 not in wanted.added else None

  @property
  def clamp(self) -> tuple[int, int]:
    """The least and the greatest output."""
    target = self.view.output()
    fused = _FUSED[self.view.opcode]
    return quantize.activation_range(fused, scale_of(target), zero_point_of(target), -128, 127)

  def ratios(self) -> np.ndarray:
    """What the gradient is scaled by, float32[1]."""
    found = base.ratio(scale_of(self.view.input()), scale_of(self.view.output()))
    return np.array([found], np.float32)

  def effort(self, wanted: Wanted) -> Effort:
    values = self.view.output().elements
    return {'clamped': values, 'moved': 0 if self.in_place(wanted) is not None else values}

  def emit(self, wanted: Wanted, at: Places) -> list[str]:
    lines = [clamps.emit_scaled(self.view, self.ratios(), at)]
    if self.in_place(wanted) is None:
      lines.append(
        f'tflm_patch_backward_scale({at.gradient(self.target)}, {self.view.output().elements}, '
        f'1.0f, {at.gradient(self.source)}, 1);'
      )
    return lines

  def emit_integer(self, wanted: Wanted, at: Places) -> list[str]:
    line = clamps.emit_integer(self.view, self.ratios(), integers.FREE_BITS, at)
    return [line, *base.emit_integer_same(self, wanted, at)]

  def apply(self, gradient: np.ndarray, wanted: Wanted, values: Values) -> Results:
    del wanted
    return {0: clamps.scaled(self.view, self.clamp, self.ratios(), gradient, values)}
