# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""PAD of rows and columns."""

from __future__ import annotations

import numpy as np

from tflm_patch.on_device.operators import base
from tflm_patch.on_device.operators.base import Backward, Effort, Places, Results, Values, Wanted


@base.register('PAD')
class Pad(Backward):
  """The gradient of the border is dropped."""

  def refusal(self) -> str | None:
    pads = self.view.integers(1)
    if pads is None or len(pads) != 8 or any(pads[i] for i in (0, 1, 6, 7)):
      return 'it pads more than rows and columns'
    return base.int8_refusal(self.view)

  def effort(self, wanted: Wanted) -> Effort:
    del wanted
    return {'moved': self.view.input().elements}

  def emit(self, wanted: Wanted, at: Places) -> list[str]:
    pads = self.view.integers(1) or []
    rows, cols, channels = base.map_shape(self.view.input())
    padded = base.map_shape(self.view.output())[1]
    return [
      f'tflm_patch_backward_pad({rows}, {cols}, {channels}, {pads[2]}, {pads[4]}, {padded}, '
      f'{at.gradient(self.target)}, {at.gradient(self.source)}, {int(0 in wanted.added)});'
    ]

  def emit_integer(self, wanted: Wanted, at: Places) -> list[str]:
    pads = self.view.integers(1) or []
    rows, cols, channels = base.map_shape(self.view.input())
    padded = base.map_shape(self.view.output())[1]
    return [
      f'tflm_patch_integer_pad({rows}, {cols}, {channels}, {pads[2]}, {pads[4]}, {padded}, '
      f'{at.gradient(self.target)}, *{at.exponent(self.target)}, {at.gradient(self.source)}, '
      f'{at.exponent(self.source)}, {int(0 in wanted.added)});'
    ]

  def apply(self, gradient: np.ndarray, wanted: Wanted, values: Values) -> Results:
    del wanted, values
    pads = self.view.integers(1) or []
    rows, cols, channels = base.map_shape(self.view.input())
    padded = gradient.reshape(gradient.shape[0], *base.map_shape(self.view.output()))
    part = padded[:, pads[2] : pads[2] + rows, pads[4] : pads[4] + cols]
    return {0: part.reshape(gradient.shape[0], rows, cols, channels)}
