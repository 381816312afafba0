# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RELU, RELU6 and RELU_N1_TO_1 that are operators of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.quantize import scale_of, zero_point_of
from tflm_patch.on_device.simulation.operations.base import Operation, operation
from tflm_patch.on_device.simulation.operations.lowered import Lowered
from tflm_patch.planner.lowering.operators import OpView

_ACTIVATIONS = {'RELU': 1, 'RELU_N1_TO_1': 2, 'RELU6': 3}


@operation(*_ACTIVATIONS)
class Relu(Operation):
  """A gradient passes where the output is within the limits, and not at one."""

  def __init__(self, view: OpView) -> None:
    super().__init__(view)
    self._forward = Lowered(view)
    target = view.output()
    self._low, self._high = quantize.activation_range(
      _ACTIVATIONS[view.opcode], scale_of(target), zero_point_of(target)
    )
    self._factor = np.float32(scale_of(view.input()) / scale_of(target))

  def forward(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, Any]:
    result, _ = self._forward(values)
    return result, (result > self._low) & (result < self._high)

  def backward(self, gradient: np.ndarray, kept: Any) -> Sequence[np.ndarray | None]:
    return [gradient * kept * self._factor]
