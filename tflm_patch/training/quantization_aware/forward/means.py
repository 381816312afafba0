# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN, pools, RESIZE_BILINEAR: what averages."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from tflm_patch.quantization.exact.keras_arithmetic import KerasArithmetic
from tflm_patch.quantization.exact.kinds.resize import interpolated
from tflm_patch.quantization.network import Node
from tflm_patch.quantization.operators.mean import Mean
from tflm_patch.quantization.operators.pool import AveragePool2D, MaxPool2D
from tflm_patch.quantization.operators.resize import ResizeBilinear
from tflm_patch.training.quantization_aware.forward.limits import finish, limits_of
from tflm_patch.training.quantization_aware.forward.registry import Pass, forward
from tflm_patch.training.quantization_aware.multipliers import divided, multiplier_of
from tflm_patch.training.quantization_aware.rounding import (
  exactly_scaled,
  half_away,
  straight_through,
)

_EXACT = KerasArithmetic()


@forward(Mean)
def mean(run: Pass, node: Node) -> Any:
  """The count is a part of the multiplier."""
  operation = node.operation
  assert isinstance(operation, Mean)
  source, target = run.grid(node.input).scale, run.grid(node.output).scale
  count = int(np.prod([node.input.shape[axis] for axis in operation.axes]))
  sums = ops.sum(run.steps(node.input), axis=operation.axes, keepdims=operation.keep_dims)
  if run.training:
    exact = sums * (source / target / count)
    return finish(run, node, half_away(ops.stop_gradient(exact)), exact)
  multiplier = divided(multiplier_of(source, ops.ones_like(source), target), count)
  scaled = exactly_scaled(ops.cast(sums, 'int32'), multiplier)
  return finish(run, node, ops.cast(scaled, 'float32'), None)


@forward(MaxPool2D)
def max_pool(run: Pass, node: Node) -> Any:
  """The largest step, within the limits of a fused activation."""
  low, high = limits_of(run, node)
  largest = node.operation.evaluate(ops, [run.steps(node.input)])
  return ops.minimum(ops.maximum(largest, low), high)


@forward(AveragePool2D)
def average_pool(run: Pass, node: Node) -> Any:
  """Of integers with their zero point, rounded, halves away from zero."""
  operation = node.operation
  assert isinstance(operation, AveragePool2D)
  counts = _counts(operation, node)
  zero_point = run.grid(node.input).zero_point
  average = ops.average_pool(
    run.steps(node.input),
    operation.window.kernel,
    strides=operation.window.stride,
    padding=operation.window.name,
    data_format='channels_last',
  )
  sums = ops.round(ops.stop_gradient(average) * counts) + ops.stop_gradient(zero_point) * counts
  quotient = ops.floor((ops.abs(sums) + np.floor(counts / 2)) / counts)
  rounded = ops.sign(sums) * quotient - zero_point
  low, high = limits_of(run, node)
  rounded = ops.minimum(ops.maximum(rounded, low), high)
  if not run.training:
    return rounded
  return straight_through(rounded, ops.minimum(ops.maximum(average, low), high))


def _counts(operation: AveragePool2D, node: Node) -> np.ndarray:
  """float32[rows, columns, 1]: cells of every window that lie in the map."""
  window, axes = operation.window, []
  for axis in (0, 1):
    size = node.input.shape[1 + axis]
    before = window.same_padding(axis, size)[0] if window.same else 0
    start = np.arange(window.size(axis, size)) * window.stride[axis] - before
    end = np.minimum(start + window.kernel[axis], size)
    axes.append(end - np.maximum(start, 0))
  return (axes[0][:, None] * axes[1])[..., None].astype(np.float32)


@forward(ResizeBilinear)
def resize_bilinear(run: Pass, node: Node) -> Any:
  """Of integers with their zero point, rounded once."""
  steps, zero_point = run.steps(node.input), run.grid(node.input).zero_point
  table = run.positions(node)
  if run.training or table is None:
    exact = node.operation.evaluate(ops, [steps])
    rounded = half_away(ops.stop_gradient(exact + zero_point)) - zero_point
    return straight_through(rounded, exact)
  integers = ops.cast(steps + zero_point, 'int32')
  result = interpolated(_EXACT, integers, *table, node.input.shape[1:3])
  return ops.cast(result, 'float32') - zero_point
