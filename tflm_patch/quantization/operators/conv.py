# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONV_2D."""

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
class Conv2D(Clamped):
  """A convolution, grouped where the weights have fewer input channels than the map.

  Attributes:
    weights: float32[kernel rows, kernel columns, input channels / groups, output channels].
    bias: float32[output channels].
  """

  window: Window
  weights: np.ndarray
  bias: np.ndarray
  opcode: ClassVar[str] = 'CONV_2D'

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    rows, cols = (self.window.size(a, shapes[0][1 + a]) for a in (0, 1))
    return (1, rows, cols, self.weights.shape[-1])

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    y = ops.conv(
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
    return dataclasses.replace(self, weights=self.weights * scale, bias=self.bias * scale + shift)

  def after_affine(self, scale: np.ndarray, shift: np.ndarray) -> Operation | None:
    if np.any(shift) and self.window.same and not self.window.is_cell:
      return None  # the zeros around the map come after the shift
    groups = scale.size // self.weights.shape[2]
    per_group = self.weights.shape[3] // groups
    columns = np.repeat(np.arange(groups), per_group)  # the group of each output channel
    scales = scale.reshape(groups, -1)[columns].T  # [input channels / groups, output channels]
    shifts = shift.reshape(groups, -1)[columns].T
    added = np.einsum('hwio,io->o', self.weights, shifts)
    return dataclasses.replace(self, weights=self.weights * scales, bias=self.bias + added)

  def emit(self, emitter: Emitter, node: Node) -> None:
    weights = emitter.weights(node, self.weights.transpose(3, 0, 1, 2), 0, self.bias)
    options = options_of('Conv2DOptions', **window_fields(self.window, self.clamp.code))
    emitter.operator(node, [emitter.tensor(node.input), *weights], options)


def window_fields(window: Window, activation: int) -> dict[str, int]:
  """Fields of the options of every convolution."""
  return {
    'padding': window.padding,
    'strideH': window.stride[0],
    'strideW': window.stride[1],
    'dilationHFactor': window.dilation[0],
    'dilationWFactor': window.dilation[1],
    'fusedActivationFunction': activation,
  }
