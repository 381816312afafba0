# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR by whole factors."""

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
class Resize(Operation):
  """A larger map; positions are the centres of cells.

  Attributes:
    size: New rows and columns.
  """

  size: tuple[int, int]
  interpolation: ClassVar[str]
  table: ClassVar[str]
  shares_scale: ClassVar[bool] = True

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return (1, *self.size, shapes[0][3])

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.image.resize(
      inputs[0], self.size, interpolation=self.interpolation, data_format='channels_last'
    )

  def emit(self, emitter: Emitter, node: Node) -> None:
    size = emitter.builder.int32(f'{node.name}/size', self.size)
    options = options_of(self.table, alignCorners=False, halfPixelCenters=True)
    emitter.operator(node, [emitter.tensor(node.input), size], options)


class ResizeNearest(Resize):
  """The nearest cell."""

  opcode: ClassVar[str] = 'RESIZE_NEAREST_NEIGHBOR'
  interpolation: ClassVar[str] = 'nearest'
  table: ClassVar[str] = 'ResizeNearestNeighborOptions'

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    x = inputs[0]
    factors = [self.size[a] // x.shape[1 + a] for a in (0, 1)]
    return ops.repeat(ops.repeat(x, factors[0], axis=1), factors[1], axis=2)


class ResizeBilinear(Resize):
  """Between the four nearest cells."""

  opcode: ClassVar[str] = 'RESIZE_BILINEAR'
  int16: ClassVar[bool] = False
  interpolation: ClassVar[str] = 'bilinear'
  table: ClassVar[str] = 'ResizeBilinearOptions'
