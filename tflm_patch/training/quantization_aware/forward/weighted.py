# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Convolutions and dense layers: symmetric weights, a bias on the scale of the sums."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from keras import ops

from tflm_patch.quantization.network import Node
from tflm_patch.quantization.operators.conv import Conv2D
from tflm_patch.quantization.operators.depthwise_conv import DepthwiseConv2D
from tflm_patch.quantization.operators.fully_connected import FullyConnected
from tflm_patch.quantization.operators.transpose_conv import TransposeConv
from tflm_patch.quantization.operators.weights import BIAS_LIMITS
from tflm_patch.training.quantization_aware.forward.limits import finish
from tflm_patch.training.quantization_aware.forward.registry import Pass, forward
from tflm_patch.training.quantization_aware.multipliers import (
  multiplier_of,
  nearest,
  nearest_of_product,
  normalized,
)
from tflm_patch.training.quantization_aware.rounding import (
  exactly_scaled,
  straight_through,
  twice_rounded,
)


@dataclasses.dataclass(frozen=True)
class _Weights:
  """Integers in float32, and their scales [output channels]."""

  weights: Any
  bias: Any
  scales: Any


def _quantized(run: Pass, node: Node, axes: tuple[int, ...]) -> _Weights:
  """As `operators.weights.quantize_weights`.

  Args:
    run: The forward pass.
    node: A node with weights and a bias.
    axes: Dimensions of the weights that are not output channels.
  """
  weights, bias = run.weight(node, 'weights'), run.weight(node, 'bias')
  source = run.grid(node.input).scale
  largest = ops.max(ops.abs(weights), axis=axes, keepdims=True)
  usual = ops.max(largest)
  if not run.per_channel:
    largest = ops.zeros_like(largest) + usual
  usual = ops.where(usual > 0, usual, 1.0)
  scales = ops.where(largest > 0, largest, usual) / run.divisor(127)
  of_bias = ops.abs(bias) / source / BIAS_LIMITS[False]
  scales = ops.maximum(scales, ops.reshape(of_bias, scales.shape))
  if not run.per_channel:
    scales = ops.zeros_like(scales) + ops.max(scales)
  scales = ops.stop_gradient(scales)
  flat = ops.reshape(scales, (-1,))
  if not run.training:
    steps = ops.clip(nearest(weights, scales), -127, 127)
    return _Weights(steps, nearest_of_product(bias, source, flat), flat)
  exact, exact_bias = weights / scales, bias / (source * flat)
  return _Weights(
    straight_through(ops.clip(ops.round(exact), -127, 127), exact),
    straight_through(ops.round(exact_bias), exact_bias),
    flat,
  )


def _weighted(
  run: Pass, node: Node, axes: tuple[int, ...], compute: Callable[[Any, Any], Any]
) -> Any:
  """Sums, and their way to the output's steps."""
  integers = _quantized(run, node, axes)
  sums = compute(run.steps(node.input), integers.weights) + integers.bias
  source, target = run.grid(node.input).scale, run.grid(node.output).scale
  if not run.training:
    scaled = exactly_scaled(
      ops.cast(ops.round(sums), 'int32'), multiplier_of(source, integers.scales, target)
    )
    return finish(run, node, ops.cast(scaled, 'float32'), None)
  factors = source * integers.scales / target
  exact = sums * factors
  _, exponent = normalized(ops.stop_gradient(factors))
  right = ops.maximum(-1.0 - ops.cast(exponent, 'float32'), 0.0)
  return finish(run, node, twice_rounded(ops.stop_gradient(exact), right), exact)


@forward(Conv2D)
def conv(run: Pass, node: Node) -> Any:
  """CONV_2D."""
  operation = node.operation
  assert isinstance(operation, Conv2D)
  window = operation.window

  def compute(x: Any, weights: Any) -> Any:
    if window.is_cell and window.stride == (1, 1) and x.shape[3] == weights.shape[2]:
      return ops.matmul(x, weights[0, 0])
    return ops.conv(
      x,
      weights,
      strides=window.stride,
      padding=window.name,
      data_format='channels_last',
      dilation_rate=window.dilation,
    )

  return _weighted(run, node, (0, 1, 2), compute)


@forward(DepthwiseConv2D)
def depthwise(run: Pass, node: Node) -> Any:
  """DEPTHWISE_CONV_2D."""
  operation = node.operation
  assert isinstance(operation, DepthwiseConv2D)
  window = operation.window

  def compute(x: Any, weights: Any) -> Any:
    if window.is_cell and operation.multiplier == 1 and window.stride == (1, 1):
      return ops.multiply(x, ops.reshape(weights, (-1,)))
    return ops.depthwise_conv(
      x,
      weights,
      strides=window.stride,
      padding=window.name,
      data_format='channels_last',
      dilation_rate=window.dilation,
    )

  return _weighted(run, node, (0, 1), compute)


@forward(FullyConnected)
def fully_connected(run: Pass, node: Node) -> Any:
  """FULLY_CONNECTED."""
  operation = node.operation
  assert isinstance(operation, FullyConnected)
  depth = operation.weights.shape[0]
  return _weighted(run, node, (0,), lambda x, w: ops.matmul(ops.reshape(x, (-1, depth)), w))


@forward(TransposeConv)
def transpose_conv(run: Pass, node: Node) -> Any:
  """TRANSPOSE_CONV."""
  operation = node.operation
  assert isinstance(operation, TransposeConv)
  window = operation.window

  def compute(x: Any, weights: Any) -> Any:
    return ops.conv_transpose(
      x, weights, strides=window.stride, padding=window.name, data_format='channels_last'
    )

  return _weighted(run, node, (0, 1, 3), compute)
