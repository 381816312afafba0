# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tflm_patch.program.params import MeanParams
from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic
from tflm_patch.quantization.exact.kinds.registry import Maps, kind


@kind(Kind.MEAN)
def mean(arithmetic: Arithmetic, params: MeanParams, maps: Maps, values: Sequence[Any]) -> Any:
  """The count is a part of the multiplier."""
  reduced = (params.over_rows, params.over_cols, params.over_channels)
  axes = [axis for axis, over in enumerate(reduced, 1) if over]
  x = values[0] - arithmetic.integers(maps.input.zero_point)
  sums = arithmetic.xp.sum(x, axis=tuple(axes), keepdims=True)
  scaled = arithmetic.multiply(sums, params.multiplier, params.shift)
  return arithmetic.clamp(scaled + arithmetic.integers(params.output_zero_point), -128, 127)
