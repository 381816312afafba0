# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators that move values without computing any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tflm_patch.planner.lowering.operators import OpView
from tflm_patch.quantization.exact.arithmetic import Arithmetic

Move = Callable[[Arithmetic, OpView, Sequence[Any]], Any]


def _reshape(arithmetic: Arithmetic, op: OpView, values: Sequence[Any]) -> Any:
  return arithmetic.xp.reshape(values[0], (-1, *op.output().shape[1:]))


def _concatenate(arithmetic: Arithmetic, op: OpView, values: Sequence[Any]) -> Any:
  axis = int(op.option('axis')) % len(op.output().shape)
  return arithmetic.xp.concatenate(list(values), axis=axis)


def _transpose(arithmetic: Arithmetic, op: OpView, values: Sequence[Any]) -> Any:
  return arithmetic.xp.transpose(values[0], tuple(op.integers(1) or ()))


MOVES: dict[str, Move] = {
  'CONCATENATION': _concatenate,
  'EXPAND_DIMS': _reshape,
  'RESHAPE': _reshape,
  'SQUEEZE': _reshape,
  'TRANSPOSE': _transpose,
}
