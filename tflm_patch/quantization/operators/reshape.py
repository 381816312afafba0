# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESHAPE and TRANSPOSE."""

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
class Reshape(Operation):
  """The same values in another shape."""

  shape: Shape
  opcode: ClassVar[str] = 'RESHAPE'
  shares_scale: ClassVar[bool] = True

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return self.shape

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.reshape(inputs[0], (-1, *self.shape[1:]))

  def emit(self, emitter: Emitter, node: Node) -> None:
    shape = emitter.builder.int32(f'{node.name}/shape', self.shape)
    options = options_of('ReshapeOptions', newShape=list(self.shape))
    emitter.operator(node, [emitter.tensor(node.input), shape], options)


@dataclasses.dataclass(frozen=True, eq=False)
class Transpose(Operation):
  """Dimensions in another order; the batch stays first."""

  permutation: tuple[int, ...]
  opcode: ClassVar[str] = 'TRANSPOSE'
  shares_scale: ClassVar[bool] = True

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return tuple(shapes[0][axis] for axis in self.permutation)

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.transpose(inputs[0], self.permutation)

  def emit(self, emitter: Emitter, node: Node) -> None:
    order = emitter.builder.int32(f'{node.name}/permutation', self.permutation)
    options = options_of('TransposeOptions')
    emitter.operator(node, [emitter.tensor(node.input), order], options)
