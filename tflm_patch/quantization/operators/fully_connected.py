# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tflm_patch.graph.builder import options_of
from tflm_patch.quantization.operators.base import NO_CLAMP, Clamped, Operation, tensor

if TYPE_CHECKING:
  from tflm_patch.quantization.emission import Emitter
  from tflm_patch.quantization.network import Node, Shape


@dataclasses.dataclass(frozen=True, eq=False)
class FullyConnected(Clamped):
  """A matrix times the input as a vector, whatever the input's shape.

  Attributes:
    weights: float32[inputs, outputs].
    bias: float32[outputs].
  """

  weights: np.ndarray
  bias: np.ndarray
  opcode: ClassVar[str] = 'FULLY_CONNECTED'

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return (1, self.weights.shape[1])

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    x = ops.reshape(inputs[0], (-1, self.weights.shape[0]))
    y = ops.matmul(x, tensor(ops, self.weights))
    return self.apply_clamp(ops, ops.add(y, tensor(ops, self.bias)))

  def then_affine(self, scale: np.ndarray, shift: np.ndarray) -> Operation | None:
    if self.clamp != NO_CLAMP:
      return None
    return dataclasses.replace(self, weights=self.weights * scale, bias=self.bias * scale + shift)

  def after_affine(self, scale: np.ndarray, shift: np.ndarray) -> Operation | None:
    cells = self.weights.shape[0] // scale.size  # of a map, which has the same channels each
    scale, shift = np.tile(scale, cells), np.tile(shift, cells)
    return dataclasses.replace(
      self, weights=self.weights * scale[:, None], bias=self.bias + shift @ self.weights
    )

  def emit(self, emitter: Emitter, node: Node) -> None:
    weights = emitter.weights(node, self.weights.T, 0, self.bias)
    options = options_of('FullyConnectedOptions', fusedActivationFunction=self.clamp.code)
    emitter.operator(node, [emitter.tensor(node.input), *weights], options)
