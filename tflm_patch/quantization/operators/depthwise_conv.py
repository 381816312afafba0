# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tflm_patch.graph.builder import options_of
from tflm_patch.quantization.operators.base import NO_CLAMP, Clamped, Operation, tensor
from tflm_patch.quantization.operators.conv import window_fields
from tflm_patch.quantization.operators.window import Window

if TYPE_CHECKING:
  from tflm_patch.quantization.emission import Emitter
  from tflm_patch.quantization.network import Node, Shape


@dataclasses.dataclass(frozen=True, eq=False)
class DepthwiseConv2D(Clamped):
  """A convolution of every channel by itself.

  Attributes:
    weights: float32[kernel rows, kernel columns, channels, multiplier]; output channel
      c * multiplier + m comes from input channel c.
    bias: float32[channels * multiplier].
  """

  window: Window
  weights: np.ndarray
  bias: np.ndarray
  opcode: ClassVar[str] = 'DEPTHWISE_CONV_2D'

  @property
  def multiplier(self) -> int:
    return self.weights.shape[3]

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    rows, cols = (self.window.size(a, shapes[0][1 + a]) for a in (0, 1))
    return (1, rows, cols, self.weights.shape[2] * self.multiplier)

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    if self.window.is_cell and self.multiplier == 1 and self.window.stride == (1, 1):
      y = ops.multiply(inputs[0], tensor(ops, self.weights.reshape(-1)))
    else:
      y = ops.depthwise_conv(
        inputs[0],
        tensor(ops, self.weights),
        strides=self.window.stride,
        padding=self.window.name,
        data_format='channels_last',
        dilation_rate=self.window.dilation,
      )
    return self.apply_clamp(ops, ops.add(y, tensor(ops, self.bias)))

  def then_affine(self, scale: np.ndarray, shift: np.ndarray) -> Operation | None:
    if self.clamp != NO_CLAMP:
      return None
    scales = scale.reshape(self.weights.shape[2:])
    return dataclasses.replace(self, weights=self.weights * scales, bias=self.bias * scale + shift)

  def after_affine(self, scale: np.ndarray, shift: np.ndarray) -> Operation | None:
    if np.any(shift) and self.window.same and not self.window.is_cell:
      return None  # the zeros around the map come after the shift
    added = (self.weights.sum(axis=(0, 1)) * shift[:, None]).reshape(-1)
    return dataclasses.replace(self, weights=self.weights * scale[:, None], bias=self.bias + added)

  def emit(self, emitter: Emitter, node: Node) -> None:
    kernel = self.window.kernel
    weights = emitter.weights(node, self.weights.reshape(1, *kernel, -1), 3, self.bias)
    options = options_of(
      'DepthwiseConv2DOptions',
      **window_fields(self.window, self.clamp.code),
      depthMultiplier=self.multiplier,
    )
    emitter.operator(node, [emitter.tensor(node.input), *weights], options)
