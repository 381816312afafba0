# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL: products of matrices that both are computed."""

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
class BatchMatmul(Operation):
  """Of the last two dimensions.

  Attributes:
    transposed: Those of the second input are swapped.
  """

  transposed: bool
  opcode: ClassVar[str] = 'BATCH_MATMUL'

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    first, second = shapes
    return (*first[:-1], second[-2] if self.transposed else second[-1])

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    first, second = inputs
    return ops.matmul(first, ops.swapaxes(second, -1, -2) if self.transposed else second)

  def emit(self, emitter: Emitter, node: Node) -> None:
    options = options_of('BatchMatMulOptions', adjX=False, adjY=self.transposed)
    emitter.operator(node, [emitter.tensor(each) for each in node.inputs], options)
