# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators that only give values another shape."""

from __future__ import annotations

import numpy as np

from tflm_patch.on_device.operators import base
from tflm_patch.on_device.operators.base import Backward, Effort, Places, Results, Values, Wanted

OPCODES = ('RESHAPE', 'SQUEEZE', 'EXPAND_DIMS')


@base.register(*OPCODES)
class Reshape(Backward):
  """The gradient is that of the output."""

  def refusal(self) -> str | None:
    source, target = (t.quantization for t in (self.view.input(), self.view.output()))
    if source is not None and target is not None and source.scales[0] != target.scales[0]:
      return 'its output has another scale than its input'
    return None

  def in_place(self, wanted: Wanted) -> int | None:
    return 0 if 0 in wanted.inputs and 0 not in wanted.added else None

  def effort(self, wanted: Wanted) -> Effort:
    return {'moved': 0 if self.in_place(wanted) is not None else self.view.output().elements}

  def emit(self, wanted: Wanted, at: Places) -> list[str]:
    if self.in_place(wanted) is not None:
      return []
    return [
      f'tflm_patch_backward_scale({at.gradient(self.target)}, {self.view.output().elements}, '
      f'1.0f, {at.gradient(self.source)}, 1);'
    ]

  def emit_integer(self, wanted: Wanted, at: Places) -> list[str]:
    return base.emit_integer_same(self, wanted, at)

  def apply(self, gradient: np.ndarray, wanted: Wanted, values: Values) -> Results:
    del wanted, values
    return {0: gradient.reshape(gradient.shape[0], *self.view.input().shape[1:])}
