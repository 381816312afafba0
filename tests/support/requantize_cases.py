# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cases of QUANTIZE between integers of different widths, and of SOFTMAX from int8 to int16."""

from __future__ import annotations

from support.model_builder import ModelBuilder
from support.operator_cases import Case
from tflm_patch.graph.types import DType


def _and_back(b: ModelBuilder, x: int, *between: DType) -> int:
  for dtype in between:
    x = b.requantize(x, dtype)
  return b.requantize(x, DType.INT8)


def _shares(b: ModelBuilder, x: int, beta: float = 1.0) -> int:
  return b.requantize(b.softmax_int16(x, beta), DType.INT32)


def _symmetric(b: ModelBuilder, x: int) -> int:
  return b.requantize(b.requantize(x, DType.INT16), DType.INT16, 0)


REQUANTIZE_CASES = [
  Case('requantize_int16', lambda b, x: b.requantize(x, DType.INT16), framed=False),
  Case('requantize_int32', lambda b, x: b.requantize(x, DType.INT32), framed=False),
  Case('requantize_int16_and_back', lambda b, x: _and_back(b, x, DType.INT16)),
  Case('requantize_int32_and_back', lambda b, x: _and_back(b, x, DType.INT32)),
  Case('requantize_all', lambda b, x: _and_back(b, x, DType.INT16, DType.INT32, DType.INT16)),
  Case('requantize_int16_input', lambda b, x: b.requantize(x, DType.INT8), dtype=DType.INT16),
  Case('requantize_int16_symmetric', _symmetric, framed=False),
  Case('softmax_int16', lambda b, x: b.softmax_int16(x), framed=False),
  Case('softmax_int16_vector', _shares, (1, 2), framed=False),
  Case('softmax_int16_beta', lambda b, x: _shares(b, x, 0.3), (5, 1000), framed=False),
  Case('softmax_int16_and_back', lambda b, x: b.requantize(b.softmax_int16(x), DType.INT8)),
]
