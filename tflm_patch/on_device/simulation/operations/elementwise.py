# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ADD, SUB and MUL, broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.graph.quantize import scale_of, zero_point_of
from tflm_patch.on_device.simulation.operations.base import Operation, operation
from tflm_patch.on_device.simulation.operations.lowered import Lowered
from tflm_patch.planner.lowering.operators import OpView


def summed_to(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
  """The gradient of a value that was broadcast: [batch, ...] summed to [batch, *shape]."""
  rank = gradient.ndim - 1
  wanted = (1,) * (rank - len(shape)) + shape
  axes = tuple(k + 1 for k in range(rank) if wanted[k] == 1 and gradient.shape[k + 1] != 1)
  summed = gradient.sum(axis=axes, keepdims=True) if axes else gradient
  return summed.reshape(len(gradient), *shape)


class _Elementwise(Operation):
  """Two inputs, one of which may be a constant."""

  def __init__(self, view: OpView) -> None:
    super().__init__(view)
    self._forward = Lowered(view)
    self._operands = [(view.operator.inputs[k], view.input(k)) for k in (0, 1)]
    self._output_scale = scale_of(view.output())

  def forward(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, Any]:
    result, inside = self._forward(values)
    return result, (inside, values)

  def _to_inputs(self, factors: Sequence[Any], gradient: np.ndarray) -> list[np.ndarray]:
    found: list[np.ndarray] = []
    for (index, tensor), factor in zip(self._operands, factors):
      if index in self.inputs:
        found.append(summed_to(gradient * factor, tensor.shape[1:]))
    return found


class _Sum(_Elementwise):
  sign = 1.0

  def backward(self, gradient: np.ndarray, kept: Any) -> Sequence[np.ndarray | None]:
    inside, _ = kept
    scales = [scale_of(tensor) / self._output_scale for _, tensor in self._operands]
    factors = [np.float32(scales[0]), np.float32(self.sign * scales[1])]
    return self._to_inputs(factors, gradient * inside)


@operation('ADD')
class Add(_Sum):
  """Both inputs on the output's scale."""


@operation('SUB')
class Subtract(_Sum):
  """Likewise, less the second."""

  sign = -1.0


@operation('MUL')
class Multiply(_Elementwise):
  """Each input has the other one as its factor."""

  def backward(self, gradient: np.ndarray, kept: Any) -> Sequence[np.ndarray | None]:
    inside, values = kept
    known = dict(zip(self.inputs, values))
    less = []
    for index, tensor in self._operands:
      value = known[index] if index in known else tensor.array()[None].astype(np.float32)
      less.append(value.reshape(len(value), *tensor.shape[1:]) - np.float32(zero_point_of(tensor)))
    first, second = (scale_of(tensor) for _, tensor in self._operands)
    scale = np.float32(first * second / self._output_scale)
    return self._to_inputs([scale * less[1], scale * less[0]], gradient * inside)
