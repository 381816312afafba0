# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION; all tensors have one scale."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tflm_patch.graph.builder import options_of
from tflm_patch.quantization.operators.base import Operation

if TYPE_CHECKING:
  from tflm_patch.quantization.emission import Emitter
  from tflm_patch.quantization.network import Node, Shape


@dataclasses.dataclass(frozen=True, eq=False)
class Concatenation(Operation):
  """Values side by side.

  Attributes:
    axis: From 1 on.
  """

  axis: int
  opcode: ClassVar[str] = 'CONCATENATION'
  shares_scale: ClassVar[bool] = True

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    total = sum(shape[self.axis] for shape in shapes)
    return (*shapes[0][: self.axis], total, *shapes[0][self.axis + 1 :])

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.concatenate(list(inputs), axis=self.axis)

  def emit(self, emitter: Emitter, node: Node) -> None:
    options = options_of('ConcatenationOptions', axis=self.axis, fusedActivationFunction=0)
    emitter.operator(node, [emitter.tensor(each) for each in node.inputs], options)
