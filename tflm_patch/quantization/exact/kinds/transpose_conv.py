# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tflm_patch.program.params import TransposeConvParams
from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic
from tflm_patch.quantization.exact.kinds.registry import Maps, array, kind, requantize


@kind(Kind.TRANSPOSE_CONV)
def transpose_conv(
  arithmetic: Arithmetic, params: TransposeConvParams, maps: Maps, values: Sequence[Any]
) -> Any:
  """Every tap spreads the input over the output, at a distance of the stride."""
  window, weights, offsets = params.window, array(params.weights), array(params.offsets)
  source, target = maps.input, maps.output
  sizes = [
    (source.rows, window.stride_h, window.kernel_h, window.pad_top, target.rows),
    (source.cols, window.stride_w, window.kernel_w, window.pad_left, target.cols),
  ]
  sums = arithmetic.integers(array(params.bias))
  for i in range(window.kernel_h):
    for j in range(window.kernel_w):
      part = arithmetic.dot(values[0], weights[i, j].T) + arithmetic.integers(offsets[i, j])
      for axis, (tap, limits) in enumerate(zip((i, j), sizes)):
        part = _spread(arithmetic, part, 1 + axis, tap, limits)
      sums = sums + part
  return requantize(arithmetic, sums, params.requant)


def _spread(
  arithmetic: Arithmetic, x: Any, axis: int, tap: int, limits: tuple[int, int, int, int, int]
) -> Any:
  """Cells of an axis at the places of the output that a tap reaches, zeros between."""
  size, stride, _, before, out = limits
  shape = list(x.shape)
  if stride > 1:
    apart = arithmetic.xp.reshape(x, (*shape[: axis + 1], 1, *shape[axis + 1 :]))
    padding = [(0, 0)] * (len(shape) + 1)
    padding[axis + 1] = (0, stride - 1)
    apart = arithmetic.pad(apart, tuple(padding), 0)
    x = arithmetic.xp.reshape(apart, (*shape[:axis], size * stride, *shape[axis + 1 :]))
  # Cell r of the input lies at r * stride + tap - before of the output.
  shift = tap - before
  padding = [(0, 0)] * len(shape)
  padding[axis] = (max(shift, 0), max(out - shift - size * stride, 0))
  x = arithmetic.pad(x, tuple(padding), 0)
  key = [slice(None)] * len(shape)
  start = max(-shift, 0)
  key[axis] = slice(start, start + out)
  return x[tuple(key)]
