# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""GATHER of constant positions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tflm_patch.graph.builder import options_of
from tflm_patch.quantization.operators.base import Operation

if TYPE_CHECKING:
  from tflm_patch.quantization.emission import Emitter
  from tflm_patch.quantization.network import Node, Shape


@dataclasses.dataclass(frozen=True, eq=False)
class Take(Operation):
  """Parts of a map by their numbers.

  Attributes:
    positions: int32, of any shape, that takes the axis' place.
    axis: Not the batch.
  """

  positions: np.ndarray
  axis: int
  opcode: ClassVar[str] = 'GATHER'
  shares_scale: ClassVar[bool] = True
  int16: ClassVar[bool] = False

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return (*shapes[0][: self.axis], *self.positions.shape, *shapes[0][self.axis + 1 :])

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.take(inputs[0], self.positions, axis=self.axis)

  def emit(self, emitter: Emitter, node: Node) -> None:
    positions = emitter.builder.int32(f'{node.name}/positions', self.positions)
    options = options_of('GatherOptions', axis=self.axis)
    emitter.operator(node, [emitter.tensor(node.input), positions], options)
