# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Convolutions and dense layers: symmetric weights, a bias on the scale of the sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from tflm_patch.quantization.network import Node
from tflm_patch.quantization.operators.conv import Conv2D
from tflm_patch.quantization.operators.depthwise_conv import DepthwiseConv2D
from tflm_patch.quantization.operators.fully_connected import FullyConnected
from tflm_patch.quantization.operators.transpose_conv import TransposeConv
from tflm_patch.training.quantization_aware.forward.limits import finish
from tflm_patch.training.quantization_aware.forward.registry import Pass, forward
from tflm_patch.training.quantization_aware.rounding import exactly_scaled, twice_rounded


def _scales(run: Pass, node: Node) -> list[tuple[Any, Any, Any]]:
  target = run.grid(node.output).scale
  return [(run.grid(node.input).scale, run.integers(node).scales, target)]


def _weighted(run: Pass, node: Node, compute: Callable[[Any, Any], Any]) -> Any:
  """Sums, and their way to the output's steps."""
  integers = run.integers(node)
  sums = compute(run.steps(node.input), integers.weights) + integers.bias
  if not run.training:
    (multiplier,) = run.multipliers(node)
    scaled = exactly_scaled(ops.cast(ops.round(sums), 'int32'), multiplier)
    return finish(run, node, ops.cast(scaled, 'float32'), None)
  source, target = run.grid(node.input).scale, run.grid(node.output).scale
  factors = source * integers.scales / target
  exact = sums * factors
  right = ops.maximum(-1.0 - ops.floor(ops.log2(ops.stop_gradient(factors))), 0.0)
  return finish(run, node, twice_rounded(ops.stop_gradient(exact), right), exact)


@forward(Conv2D, multipliers=_scales)
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

  return _weighted(run, node, compute)


@forward(DepthwiseConv2D, multipliers=_scales)
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

  return _weighted(run, node, compute)


@forward(FullyConnected, multipliers=_scales)
def fully_connected(run: Pass, node: Node) -> Any:
  """FULLY_CONNECTED."""
  operation = node.operation
  assert isinstance(operation, FullyConnected)
  depth = operation.weights.shape[0]
  return _weighted(run, node, lambda x, w: ops.matmul(ops.reshape(x, (-1, depth)), w))


@forward(TransposeConv, multipliers=_scales)
def transpose_conv(run: Pass, node: Node) -> Any:
  """TRANSPOSE_CONV."""
  operation = node.operation
  assert isinstance(operation, TransposeConv)
  window = operation.window

  def compute(x: Any, weights: Any) -> Any:
    return ops.conv_transpose(
      x, weights, strides=window.stride, padding=window.name, data_format='channels_last'
    )

  return _weighted(run, node, compute)
