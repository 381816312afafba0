# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Functions of single values, and SOFTMAX: TFLM's kernels by their tables."""

from __future__ import annotations

from typing import Any

from keras import ops

from tflm_patch.quantization.exact.keras_arithmetic import KerasArithmetic
from tflm_patch.quantization.exact.kinds.softmax import probabilities
from tflm_patch.quantization.network import Node
from tflm_patch.quantization.operators.activation import (
  Elu,
  HardSwish,
  LeakyRelu,
  Logistic,
  Softmax,
  Tanh,
)
from tflm_patch.quantization.operators.clamp import ClampOnly
from tflm_patch.quantization.operators.requantize import Requantize
from tflm_patch.training.quantization_aware.forward.limits import finish
from tflm_patch.training.quantization_aware.forward.registry import Pass, Table, forward
from tflm_patch.training.quantization_aware.rounding import half_away

_EXACT = KerasArithmetic()
_TOP = 128  # from the zero point of probabilities to 0


def _real(run: Pass, node: Node) -> Any:
  """The function of real values, in steps of the output."""
  x = run.steps(node.input) * run.grid(node.input).scale
  return node.operation.evaluate(ops, [x]) / run.grid(node.output).scale


def _fits(run: Pass, node: Node, table: Table) -> Any:
  """Whether a table is that of the scales as they are."""
  grids = [run.grid(value) for value in (node.input, node.output)]
  now = ops.stack([x for grid in grids for x in (grid.scale, grid.zero_point)])
  return ops.all(ops.equal(ops.stop_gradient(now), table.scales))


@forward(ClampOnly, Elu, HardSwish, LeakyRelu, Logistic, Requantize, Tanh)
def function(run: Pass, node: Node) -> Any:
  """By the kernel's table; where ranges have moved since it was made, by the function."""
  exact = _real(run, node)
  if run.training and run.is_output(node.output) and node.operation.fixed_scale is not None:
    return exact  # a loss takes its logarithm
  rounded, table = half_away(ops.stop_gradient(exact)), run.table(node)
  if table is not None:
    place = ops.stop_gradient(run.steps(node.input) + run.grid(node.input).zero_point)
    index = ops.clip(ops.cast(place, 'int32') + 128, 0, 255)
    found = ops.cast(ops.take(table.values, index, axis=0), 'float32')
    found = found - ops.stop_gradient(run.grid(node.output).zero_point)
    rounded = ops.where(_fits(run, node, table), found, rounded)
  return finish(run, node, rounded, exact)


@forward(Softmax)
def softmax(run: Pass, node: Node) -> Any:
  """By the kernel's integers outside training."""
  exact, table = _real(run, node), run.table(node)
  if run.training:
    if run.is_output(node.output):
      return exact  # a loss takes its logarithm
    return finish(run, node, half_away(ops.stop_gradient(exact)), exact)
  if table is None:
    return finish(run, node, half_away(exact), None)
  integers = ops.cast(run.steps(node.input), 'int32')
  found = ops.cast(probabilities(_EXACT, table.values, integers) + _TOP, 'float32')
  return ops.where(_fits(run, node, table), found, finish(run, node, half_away(exact), None))
