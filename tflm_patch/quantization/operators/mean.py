# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN and SUM over rows, columns or channels; their output has a scale of its own."""

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
class Mean(Operation):
  """The mean of a map.

  Attributes:
    axes: Of rows (1), columns (2), channels (the last).
    keep_dims: They stay, with size 1.
  """

  axes: tuple[int, ...]
  keep_dims: bool
  opcode: ClassVar[str] = 'MEAN'

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    kept = [1 if axis in self.axes else size for axis, size in enumerate(shapes[0])]
    if self.keep_dims:
      return tuple(kept)
    return tuple(size for axis, size in enumerate(kept) if axis not in self.axes)

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.mean(inputs[0], axis=self.axes, keepdims=self.keep_dims)

  def emit(self, emitter: Emitter, node: Node) -> None:
    axes = emitter.builder.int32(f'{node.name}/axes', self.axes)
    options = options_of('ReducerOptions', keepDims=self.keep_dims)
    emitter.operator(node, [emitter.tensor(node.input), axes], options)


class Sum(Mean):
  """The sum of the same."""

  opcode: ClassVar[str] = 'SUM'

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.sum(inputs[0], axis=self.axes, keepdims=self.keep_dims)
