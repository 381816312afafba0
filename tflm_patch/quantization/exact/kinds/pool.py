# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D: cells outside the map do not count."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.program.params import PoolParams
from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic, NumpyArithmetic
from tflm_patch.quantization.exact.kinds.registry import Maps, kind
from tflm_patch.quantization.exact.kinds.windows import padded, taps

_LOWEST = -128


@kind(Kind.MAX_POOL_2D)
def max_pool(arithmetic: Arithmetic, params: PoolParams, maps: Maps, values: Sequence[Any]) -> Any:
  """The largest value."""
  x = padded(arithmetic, values[0], params.window, maps.input, maps.output, _LOWEST)
  cells = [part for _, _, part in taps(x, params.window, maps.output)]
  largest = functools.reduce(arithmetic.xp.maximum, cells)
  return arithmetic.clamp(largest, params.act_min, params.act_max)


@kind(Kind.AVERAGE_POOL_2D)
def average_pool(
  arithmetic: Arithmetic, params: PoolParams, maps: Maps, values: Sequence[Any]
) -> Any:
  """The sum, divided by the count, halves away from zero."""
  x = padded(arithmetic, values[0], params.window, maps.input, maps.output, 0)
  sums = sum(part for _, _, part in taps(x, params.window, maps.output))
  counts = _counts(params, maps)
  magnitude = arithmetic.xp.abs(sums) + arithmetic.integers(counts // 2)
  rounded = magnitude // arithmetic.integers(counts)
  signed = arithmetic.xp.where(sums > arithmetic.integers(0), rounded, -rounded)
  return arithmetic.clamp(signed, params.act_min, params.act_max)


def _counts(params: PoolParams, maps: Maps) -> np.ndarray:
  """Cells of every window that lie in the map: [1, rows, cols, 1]."""
  ones = np.ones((1, maps.input.rows, maps.input.cols, 1), np.int64)
  x = padded(NumpyArithmetic(), ones, params.window, maps.input, maps.output, 0)
  cells = [part for _, _, part in taps(x, params.window, maps.output)]
  return np.sum(cells, axis=0)
