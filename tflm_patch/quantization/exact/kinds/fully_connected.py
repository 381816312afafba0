# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tflm_patch.program.params import FullyConnectedParams
from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic
from tflm_patch.quantization.exact.kinds.registry import Maps, array, kind, requantize


@kind(Kind.FULLY_CONNECTED)
def fully_connected(
  arithmetic: Arithmetic, params: FullyConnectedParams, maps: Maps, values: Sequence[Any]
) -> Any:
  """Of every row, or of the whole map."""
  weights, bias = array(params.weights), array(params.bias)
  rows = 1 if params.flatten else maps.input.rows
  x = arithmetic.xp.reshape(values[0], (-1, rows, 1, weights.shape[1]))
  sums = arithmetic.dot(x, weights.T) + arithmetic.integers(bias)
  return requantize(arithmetic, sums, params.requant)
