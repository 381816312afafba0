# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESHAPE and its like, CONCATENATION and PAD: values move, gradients move back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.on_device.simulation.operations.base import Operation, operation
from tflm_patch.on_device.simulation.operations.lowered import Lowered
from tflm_patch.planner.lowering.operators import OpView


class _Move(Operation):
  def __init__(self, view: OpView) -> None:
    super().__init__(view)
    self._forward = Lowered(view)

  def forward(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, Any]:
    return self._forward(values)[0], None


@operation('RESHAPE', 'SQUEEZE', 'EXPAND_DIMS')
class Reshape(_Move):
  """The same values in another shape."""

  def backward(self, gradient: np.ndarray, kept: Any) -> Sequence[np.ndarray | None]:
    del kept
    return [gradient.reshape(len(gradient), *self.view.input().shape[1:])]


@operation('CONCATENATION')
class Concatenation(_Move):
  """Each input has its part."""

  def backward(self, gradient: np.ndarray, kept: Any) -> Sequence[np.ndarray | None]:
    del kept
    axis = int(self.view.option('axis')) % len(self.view.output().shape)
    tensors = self.view.subgraph.tensors
    sizes = [tensors[each].shape[axis] for each in self.view.operator.inputs]
    parts = np.split(gradient, np.cumsum(sizes)[:-1], axis=axis)
    wanted = zip(self.view.operator.inputs, parts)
    return [part for tensor, part in wanted if tensor in self.inputs]


@operation('PAD', 'PADV2')
class Pad(_Move):
  """The middle."""

  def backward(self, gradient: np.ndarray, kept: Any) -> Sequence[np.ndarray | None]:
    del kept
    before = np.array(self.view.integers(1)).reshape(-1, 2)[1:, 0]
    sizes = self.view.input().shape[1:]
    key = (slice(None), *(slice(at, at + size) for at, size in zip(before, sizes)))
    return [gradient[key]]
