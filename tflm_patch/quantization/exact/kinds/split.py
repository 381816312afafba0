# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SPLIT, of columns or channels; rows are split by STRIDED_SLICE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic
from tflm_patch.quantization.exact.kinds.registry import Maps, kind


@kind(Kind.SPLIT)
def split(
  arithmetic: Arithmetic, params: None, maps: Maps, values: Sequence[Any]
) -> tuple[Any, ...]:
  """The parts that lie side by side."""
  del arithmetic, params
  by_columns = maps.output.cols != maps.input.cols
  parts, begin = [], 0
  for target in maps.outputs:
    end = begin + (target.cols if by_columns else target.channels)
    parts.append(values[0][:, :, begin:end] if by_columns else values[0][..., begin:end])
    begin = end
  return tuple(parts)
