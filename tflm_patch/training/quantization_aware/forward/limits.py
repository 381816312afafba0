# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Fused activations, and the end of every operator that computes."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from tflm_patch.quantization.network import Node
from tflm_patch.training.quantization_aware.forward.registry import Pass
from tflm_patch.training.quantization_aware.rounding import half_away, straight_through


def limits_of(run: Pass, node: Node) -> tuple[Any, Any]:
  """Lowest and highest step of a node's output (CalculateActivationRangeQuantized)."""
  grid, clamp = run.grid(node.output), node.operation.limits
  low, high = grid.low, grid.high
  if clamp.code == 1 or clamp.code == 3:
    low = ops.maximum(low, 0.0)
  if clamp.code == 2:
    low = ops.maximum(low, half_away(-1 / grid.scale))
    high = ops.minimum(high, half_away(1 / grid.scale))
  if clamp.code == 3:
    high = ops.minimum(high, half_away(6 / grid.scale))
  return low, high


def finish(run: Pass, node: Node, rounded: Any, exact: Any) -> Any:
  """Steps within limits.

  Args:
    run: The forward pass.
    node: Whose output it is.
    rounded: Integers.
    exact: Real values, for gradients and ranges; None outside training.
  """
  low, high = limits_of(run, node)
  rounded = ops.minimum(ops.maximum(rounded, low), high)
  if not run.training:
    return rounded
  clamp = node.operation.limits
  scale = ops.stop_gradient(run.grid(node.output).scale)
  seen = exact
  if math.isfinite(clamp.low):
    seen = ops.maximum(seen, clamp.low / scale)
  if math.isfinite(clamp.high):
    seen = ops.minimum(seen, clamp.high / scale)
  run.observe(node.output, seen)
  return straight_through(rounded, ops.minimum(ops.maximum(exact, low), high))
