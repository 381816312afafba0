# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ADD, SUB, MUL, PRELU, MAXIMUM and MINIMUM."""

from __future__ import annotations

from typing import Any

from keras import ops

from tflm_patch.quantization.network import Node
from tflm_patch.quantization.operators.activation import Prelu
from tflm_patch.quantization.operators.binary import Add, Maximum, Minimum, Mul, Sub
from tflm_patch.training.quantization_aware.forward.limits import finish
from tflm_patch.training.quantization_aware.forward.registry import Pass, forward
from tflm_patch.training.quantization_aware.multipliers import multiplier_of
from tflm_patch.training.quantization_aware.rounding import exactly_scaled, half_away

_LEFT_SHIFT = 20  # of ADD's inputs


def _operands(run: Pass, node: Node) -> list[tuple[Any, Any]]:
  """Steps and scale of both inputs."""
  return [(run.steps(value), run.grid(value).scale) for value in node.inputs]


def _scaled_sum(run: Pass, node: Node, sign: int) -> Any:
  (x, first), (y, second) = _operands(run, node)
  target = run.grid(node.output).scale
  if run.training:
    exact = x * (first / target) + y * (sign * second / target)
    return finish(run, node, half_away(ops.stop_gradient(exact)), exact)
  twice = 2 * ops.maximum(first, second)
  one = ops.ones_like(first)
  terms = [
    exactly_scaled(ops.cast(steps, 'int32') * (1 << _LEFT_SHIFT), multiplier_of(scale, one, twice))
    for steps, scale in ((x, first), (y, second))
  ]
  total = terms[0] + sign * terms[1]
  scaled = exactly_scaled(total, multiplier_of(twice * 2.0**-_LEFT_SHIFT, one, target))
  return finish(run, node, ops.cast(scaled, 'float32'), None)


@forward(Add)
def add(run: Pass, node: Node) -> Any:
  """Both on a common scale."""
  return _scaled_sum(run, node, 1)


@forward(Sub)
def subtract(run: Pass, node: Node) -> Any:
  """Likewise."""
  return _scaled_sum(run, node, -1)


@forward(Mul)
def multiply(run: Pass, node: Node) -> Any:
  """The product, scaled."""
  (x, first), (y, second) = _operands(run, node)
  target = run.grid(node.output).scale
  if run.training:
    exact = x * y * (first * second / target)
    return finish(run, node, half_away(ops.stop_gradient(exact)), exact)
  scaled = exactly_scaled(ops.cast(x * y, 'int32'), multiplier_of(first, second, target))
  return finish(run, node, ops.cast(scaled, 'float32'), None)


@forward(Prelu)
def prelu(run: Pass, node: Node) -> Any:
  """Two multipliers, by the sign."""
  (x, scale), (slopes, slope_scale) = _operands(run, node)
  target = run.grid(node.output).scale
  below = x * slopes
  if run.training:
    exact = ops.where(x < 0, below * (scale * slope_scale / target), x * (scale / target))
    return finish(run, node, half_away(ops.stop_gradient(exact)), exact)
  one = ops.ones_like(scale)
  scaled = ops.where(
    x < 0,
    exactly_scaled(ops.cast(below, 'int32'), multiplier_of(scale, slope_scale, target)),
    exactly_scaled(ops.cast(x, 'int32'), multiplier_of(scale, one, target)),
  )
  return finish(run, node, ops.cast(scaled, 'float32'), None)


@forward(Maximum)
def maximum(run: Pass, node: Node) -> Any:
  """Of steps on one scale."""
  return ops.maximum(*(run.steps(value) for value in node.inputs))


@forward(Minimum)
def minimum(run: Pass, node: Node) -> Any:
  """Of steps on one scale."""
  return ops.minimum(*(run.steps(value) for value in node.inputs))
