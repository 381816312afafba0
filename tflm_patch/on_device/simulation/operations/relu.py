# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RELU, RELU6 and RELU_N1_TO_1 that are operators of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.on_device.simulation.operations.base import (
  Operation,
  operation,
  scale_of,
  zero_point_of,
)
from tflm_patch.on_device.simulation.operations.lowered import Lowered
from tflm_patch.planner.lowering.operators import OpView

_LIMITS = {'RELU': (0.0, np.inf), 'RELU6': (0.0, 6.0), 'RELU_N1_TO_1': (-1.0, 1.0)}


@operation(*_LIMITS)
class Relu(Operation):
  """A gradient passes where the real input is within the limits."""

  def __init__(self, view: OpView) -> None:
    super().__init__(view)
    self._forward = Lowered(view)
    self._scale, self._zero_point = scale_of(view.input()), zero_point_of(view.input())
    self._factor = np.float32(self._scale / scale_of(view.output()))

  def forward(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, Any]:
    low, high = _LIMITS[self.view.opcode]
    real = (values[0] - self._zero_point) * self._scale
    return self._forward(values)[0], (real >= low) & (real <= high)

  def backward(self, gradient: np.ndarray, kept: Any) -> Sequence[np.ndarray | None]:
    return [gradient * kept * self._factor]
