# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What MEAN, SUM, REDUCE_MAX and REDUCE_MIN share: axes and shapes."""

from __future__ import annotations

from typing import NamedTuple

from tflm_patch.planner.ir.shapes import feature_shape, map_axes
from tflm_patch.planner.lowering.operators.base import OpView


class Over(NamedTuple):
  """The axes of a map that are reduced."""

  rows: bool
  cols: bool
  channels: bool


def _dims(op: OpView) -> set[int] | None:
  values, rank = op.integers(1), len(op.input().shape)
  if values is None or any(not -rank <= value < rank for value in values):
    return None
  return {value % rank for value in values}


def over(op: OpView) -> Over:
  """What an operator reduces that obeys the rules."""
  dims = _dims(op) or set()
  return Over(*(dim in dims for dim in map_axes(len(op.input().shape))))


def shape_of(op: OpView) -> tuple[int, int, int]:
  """The input's shape with 1 for what is reduced."""
  shape = feature_shape(op.input())
  assert shape is not None
  rows, cols, channels = (1 if gone else size for gone, size in zip(over(op), shape))
  return rows, cols, channels


def constraint_axes(op: OpView) -> str | None:
  """The axes are constant, and those of rows, columns or channels"""
  dims, rank = _dims(op), len(op.input().shape)
  if not dims or not dims <= set(map_axes(rank)):
    return f'axes {op.integers(1)} of rank {rank}'
  return None


def constraint_reduced_shape(op: OpView) -> str | None:
  """Reduced dimensions are 1 in the output, or left out of it"""
  dims, shape = _dims(op) or set(), op.input().shape
  kept = tuple(1 if i in dims else size for i, size in enumerate(shape))
  left = tuple(size for i, size in enumerate(shape) if i not in dims)
  wanted = kept if op.option('keepDims') else left
  return None if op.output().shape == wanted else f'output {list(op.output().shape)}'
