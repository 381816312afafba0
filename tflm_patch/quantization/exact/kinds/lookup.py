# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""LOOKUP: functions of one value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.program.params import LookupParams
from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic
from tflm_patch.quantization.exact.kinds.registry import Maps, array, kind


@kind(Kind.LOOKUP)
def lookup(arithmetic: Arithmetic, params: LookupParams, maps: Maps, values: Sequence[Any]) -> Any:
  """By a table indexed by the value's bits."""
  dtype = maps.output.dtype.numpy
  assert dtype is not None
  table = array(params.table).astype(np.uint8).view(dtype).astype(np.int64)
  bits = arithmetic.xp.bitwise_and(values[0], arithmetic.integers(255))
  return arithmetic.xp.take(arithmetic.integers(table), bits, axis=0)
