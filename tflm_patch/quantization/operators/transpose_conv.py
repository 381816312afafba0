# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tflm_patch.graph.builder import options_of
from tflm_patch.quantization.operators.base import NO_CLAMP, Clamped, Operation, tensor
from tflm_patch.quantization.operators.window import Window

if TYPE_CHECKING:
  from tflm_patch.quantization.emission import Emitter
  from tflm_patch.quantization.network import Node, Shape


@dataclasses.dataclass(frozen=True, eq=False)
class TransposeConv(Clamped):
  """The transpose of a convolution: every input cell is spread over a window.

  Attributes:
    weights: float32[kernel rows, kernel columns, output channels, input channels].
    bias: float32[output channels].
  """

  window: Window
  weights: np.ndarray
  bias: np.ndarray
  opcode: ClassVar[str] = 'TRANSPOSE_CONV'

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    rows, cols = (self._size(a, shapes[0][1 + a]) for a in (0, 1))
    return (1, rows, cols, self.weights.shape[2])

  def _size(self, axis: int, length: int) -> int:
    stride, kernel = self.window.stride[axis], self.window.kernel[axis]
    return length * stride + (0 if self.window.same else max(kernel - stride, 0))

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    y = ops.conv_transpose(
      inputs[0],
      tensor(ops, self.weights),
      strides=self.window.stride,
      padding=self.window.name,
      data_format='channels_last',
    )
    return self.apply_clamp(ops, ops.add(y, tensor(ops, self.bias)))

  def then_affine(self, scale: np.ndarray, shift: np.ndarray) -> Operation | None:
    if self.clamp != NO_CLAMP:
      return None
    return dataclasses.replace(
      self, weights=self.weights * scale[:, None], bias=self.bias * scale + shift
    )

  def emit(self, emitter: Emitter, node: Node) -> None:
    shape = emitter.builder.int32(f'{node.name}/output_shape', node.output.shape)
    weights, bias = emitter.weights(node, self.weights.transpose(2, 0, 1, 3), 0, self.bias)
    options = options_of(
      'TransposeConvOptions',
      padding=self.window.padding,
      strideH=self.window.stride[0],
      strideW=self.window.stride[1],
      fusedActivationFunction=self.clamp.code,
    )
    emitter.operator(node, [shape, weights, emitter.tensor(node.input), bias], options)
