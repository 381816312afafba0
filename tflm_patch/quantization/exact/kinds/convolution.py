# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONV_2D and DEPTHWISE_CONV_2D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.program.params import ConvParams, DepthwiseParams
from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic
from tflm_patch.quantization.exact.kinds.registry import Maps, array, kind, requantize
from tflm_patch.quantization.exact.kinds.windows import padded, taps


@kind(Kind.CONV_2D)
def conv(arithmetic: Arithmetic, params: ConvParams, maps: Maps, values: Sequence[Any]) -> Any:
  """A product of matrices for every group; the bias holds the input's zero point."""
  weights, bias = array(params.weights), array(params.bias)
  x = padded(arithmetic, values[0], params.window, maps.input, maps.output, maps.input.zero_point)
  cells = [part for _, _, part in taps(x, params.window, maps.output)]
  groups = max(params.groups, 1)
  depth, out = maps.input.channels // groups, weights.shape[0] // groups
  results = []
  for group in range(groups):
    channels = slice(group * depth, (group + 1) * depth)
    columns = [part[..., channels] for part in cells] if groups > 1 else cells
    columns = columns[0] if len(columns) == 1 else arithmetic.xp.concatenate(columns, axis=-1)
    chosen = weights[group * out : (group + 1) * out].reshape(out, -1).T
    results.append(arithmetic.dot(columns, chosen))
  sums = results[0] if groups == 1 else arithmetic.xp.concatenate(results, axis=-1)
  return requantize(arithmetic, sums + arithmetic.integers(bias), params.requant)


@kind(Kind.DEPTHWISE_CONV_2D)
def depthwise(
  arithmetic: Arithmetic, params: DepthwiseParams, maps: Maps, values: Sequence[Any]
) -> Any:
  """Tap by tap."""
  weights, bias = array(params.weights), array(params.bias)
  x = padded(arithmetic, values[0], params.window, maps.input, maps.output, maps.input.zero_point)
  if params.depth_multiplier > 1:
    x = arithmetic.xp.repeat(x, params.depth_multiplier, axis=3)
  sums = arithmetic.integers(bias.astype(np.int64))
  for i, j, part in taps(x, params.window, maps.output):
    sums = sums + part * arithmetic.integers(weights[i, j])
  return requantize(arithmetic, sums, params.requant)
