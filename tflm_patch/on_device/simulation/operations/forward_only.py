# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators that gradients do not pass: they may lie in the frozen part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from tflm_patch.on_device.simulation.operations.base import Operation, no_gradient
from tflm_patch.on_device.simulation.operations.lowered import Lowered
from tflm_patch.planner.lowering.operators import OpView


class ForwardOnly(Operation):
  """Any operator of the exact forward pass.

  Raises:
    TflmPatchError: it has none, or several outputs.
  """

  def __init__(self, view: OpView) -> None:
    super().__init__(view)
    self._forward = Lowered(view)

  def forward(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, Any]:
    return self._forward(values)[0], None

  def backward(self, gradient: np.ndarray, kept: Any) -> NoReturn:
    raise no_gradient(self.view)
