# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Convolutions and dense layers: symmetric weights, a bias on the scale of the sums."""

from __future__ import annotations

import math
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

Compute = Callable[[Any, Any], Any]
MAX_TAPS = 518  # times 127 * 255 stays below 2^24


def _scales(run: Pass, node: Node) -> list[tuple[Any, Any, Any]]:
  target = run.grid(node.output).scale
  return [(run.grid(node.input).scale, run.integers(node).scales, target)]


def _weighted(run: Pass, node: Node, x: Any, compute: Compute, axis: int | None) -> Any:
  """Sums, and their way to the output's steps.

  Args:
    run: The forward pass.
    node: Whose output it is.
    x: Steps of the input.
    compute: Sums of products of x and weights.
    axis: Dimension of the weights that runs along the last one of x; None where it is not
      all of it.
  """
  integers = run.integers(node)
  if not run.training:
    sums = _whole_sums(x, integers.weights, compute, axis) + ops.cast(integers.bias, 'int32')
    scaled = exactly_scaled(sums, *run.multipliers(node))
    return finish(run, node, ops.cast(scaled, 'float32'), None)
  sums = compute(x, integers.weights) + integers.bias
  source, target = run.grid(node.input).scale, run.grid(node.output).scale
  factors = source * integers.scales / target
  exact = sums * factors
  right = ops.maximum(-1.0 - ops.floor(ops.log2(ops.stop_gradient(factors))), 0.0)
  return finish(run, node, twice_rounded(ops.stop_gradient(exact), right), exact)


def _whole_sums(x: Any, weights: Any, compute: Compute, axis: int | None) -> Any:
  """int32: of so few products at a time that float32 holds their sum exactly."""
  depth = 1 if axis is None else weights.shape[axis]
  outputs = weights.shape[2 if axis == 3 else -1]
  most = max(MAX_TAPS * depth * outputs // math.prod(weights.shape), 1)
  total = None
  for start in range(0, depth, most):
    part = slice(start, start + most)
    if most >= depth:
      sums = compute(x, weights)
    else:
      sums = compute(x[..., part], weights[(slice(None),) * (axis or 0) + (part,)])
    sums = ops.cast(ops.round(sums), 'int32')
    total = sums if total is None else total + sums
  return total


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

  x = run.steps(node.input)
  is_grouped = x.shape[3] != run.integers(node).weights.shape[2]
  return _weighted(run, node, x, compute, None if is_grouped else 2)


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

  return _weighted(run, node, run.steps(node.input), compute, None)


@forward(FullyConnected, multipliers=_scales)
def fully_connected(run: Pass, node: Node) -> Any:
  """FULLY_CONNECTED."""
  operation = node.operation
  assert isinstance(operation, FullyConnected)
  depth = operation.weights.shape[0]
  x = ops.reshape(run.steps(node.input), (-1, depth))
  return _weighted(run, node, x, ops.matmul, 0)


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

  return _weighted(run, node, run.steps(node.input), compute, 3)
