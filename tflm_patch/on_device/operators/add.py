# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ADD of two maps of one shape, or of a map and constants."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph.quantize import scale_of
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


@base.register('ADD')
class Add(Backward):
  """G_a = G * s_a / s_y."""

  def refusal(self) -> str | None:
    inputs = [self.view.input(i) for i in (0, 1)]
    shapes = {t.shape for t in inputs if not t.is_constant}
    if shapes != {self.view.output().shape}:
      return 'an operand is repeated along an axis'
    if self.view.operator.inputs[0] == self.view.operator.inputs[1]:
      return 'its operands are the same tensor'
    return base.int8_refusal(self.view)

  def kept(self, wanted: Wanted) -> Kept:
    del wanted
    return Kept(mask=True)

  def in_place(self, wanted: Wanted) -> int | None:
    free = [i for i in wanted.inputs if i not in wanted.added]
    return free[0] if free else None

  def ratio(self, position: int) -> np.float32:
    """What the gradient of an operand is scaled by."""
    return base.ratio(scale_of(self.view.input(position)), scale_of(self.view.output()))

  def effort(self, wanted: Wanted) -> Effort:
    values = self.view.output().elements
    return {'clamped': values, 'moved': values * len(wanted.inputs)}

  def emit(self, wanted: Wanted, at: Places) -> list[str]:
    lines = [clamps.emit_scaled(self.view, np.ones(1, np.float32), at)]
    last = self.in_place(wanted)
    order = sorted(wanted.inputs, key=lambda i: i == last)
    for position in order:
      target = at.gradient(self.view.operator.inputs[position])
      lines.append(
        f'tflm_patch_backward_scale({at.gradient(self.target)}, {self.view.output().elements}, '
        f'{base.c_float(float(self.ratio(position)))}, {target}, {int(position in wanted.added)});'
      )
    return lines

  def emit_integer(self, wanted: Wanted, at: Places) -> list[str]:
    ones, values = np.ones(1, np.float32), self.view.output().elements
    last = self.in_place(wanted)
    return [
      clamps.emit_integer(self.view, ones, integers.FREE_BITS, at),
      *(
        clamps.emit_integer_copy(
          self.view,
          self.ratio(position),
          (1, 1, values),
          position in wanted.added,
          at,
          self.view.operator.inputs[position],
        )
        for position in sorted(wanted.inputs, key=lambda i: i == last)
      ),
    ]

  def apply(self, gradient: np.ndarray, wanted: Wanted, values: Values) -> Results:
    clamp = clamps.clamp_of(self.view)
    passed = clamps.scaled(self.view, clamp, np.ones(1, np.float32), gradient, values)
    return {position: passed * self.ratio(position) for position in wanted.inputs}
