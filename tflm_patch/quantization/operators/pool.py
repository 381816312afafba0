# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tflm_patch.graph.builder import options_of
from tflm_patch.quantization.operators.base import Clamped
from tflm_patch.quantization.operators.window import Window

if TYPE_CHECKING:
  from tflm_patch.quantization.emission import Emitter
  from tflm_patch.quantization.network import Node, Shape


@dataclasses.dataclass(frozen=True, eq=False)
class _Pool(Clamped):
  """A pool; cells around the map do not count."""

  window: Window
  function: ClassVar[str]
  shares_scale: ClassVar[bool] = True

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    rows, cols = (self.window.size(a, shapes[0][1 + a]) for a in (0, 1))
    return (1, rows, cols, shapes[0][3])

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    y = getattr(ops, self.function)(
      inputs[0],
      self.window.kernel,
      strides=self.window.stride,
      padding=self.window.name,
      data_format='channels_last',
    )
    return self.apply_clamp(ops, y)

  def emit(self, emitter: Emitter, node: Node) -> None:
    options = options_of(
      'Pool2DOptions',
      padding=self.window.padding,
      strideH=self.window.stride[0],
      strideW=self.window.stride[1],
      filterHeight=self.window.kernel[0],
      filterWidth=self.window.kernel[1],
      fusedActivationFunction=self.clamp.code,
    )
    emitter.operator(node, [emitter.tensor(node.input)], options)


class AveragePool2D(_Pool):
  """The mean of a window."""

  opcode: ClassVar[str] = 'AVERAGE_POOL_2D'
  function: ClassVar[str] = 'average_pool'


class MaxPool2D(_Pool):
  """The largest value of a window."""

  opcode: ClassVar[str] = 'MAX_POOL_2D'
  function: ClassVar[str] = 'max_pool'
