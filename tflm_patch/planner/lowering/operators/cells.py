# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which cells of its inputs an output cell of an operator is computed from.

A `StageOp` knows the rows that its steps read, clamped to the map. Schedules that cut maps into
tiles also need the columns, and what a tile reads before clamping. The functions here are for
`OperatorSpec.reads`, of operators of which several read alike.
"""

from __future__ import annotations

from tflm_patch.graph.axis_window import AxisWindow, CellWindow
from tflm_patch.graph.types import Tensor
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.lowering.operators import windows
from tflm_patch.planner.lowering.operators.base import WHOLE, CellReads, OpView

SAME = AxisWindow()


def whole(op: OpView, tensor: Tensor) -> CellReads:
  """All of the input."""
  return WHOLE


def pointwise(op: OpView, tensor: Tensor) -> CellReads:
  """The same cell, but for axes along which the input is broadcast or cut."""
  source, target = feature_shape(tensor), feature_shape(op.output())
  if source is None or target is None:
    return WHOLE
  rows, cols = (SAME if a == b else None for a, b in zip(source[:2], target[:2]))
  return rows, cols


def renamed(op: OpView, tensor: Tensor) -> CellReads:
  """The same bytes in another shape: positions stay where rows and columns do."""
  source, target = feature_shape(tensor), feature_shape(op.output())
  return (SAME, SAME) if source is not None and source == target else WHOLE


def sliding(op: OpView, tensor: Tensor) -> CellReads:
  """The window of a convolution or a pool."""
  has_weights = op.operator.opcode in ('CONV_2D', 'DEPTHWISE_CONV_2D')
  if has_weights and not op.has_input(1):
    return WHOLE
  window = windows.window_of(op, windows.kernel_of(op))
  return WHOLE if is_void(window) else window


def is_void(window: CellWindow) -> bool:
  """Whether a window is none: its operator is damaged."""
  return any(min(along.kernel, along.stride, along.dilation) < 1 for along in window)


def resized(op: OpView, tensor: Tensor) -> CellReads:
  """Nearest: round down; bilinear: that position and the next one."""
  source, target = feature_shape(op.input()), feature_shape(op.output())
  if source is None or target is None:
    return WHOLE
  is_bilinear = op.operator.opcode == 'RESIZE_BILINEAR'
  rows, cols = (
    _scaled(a, b, bool(op.option('alignCorners')), bool(op.option('halfPixelCenters')), is_bilinear)
    for a, b in zip(source[:2], target[:2])
  )
  return rows, cols


def _scaled(size: int, out: int, corners: bool, half: bool, bilinear: bool) -> AxisWindow:
  if corners and out > 1:
    stride, up = 2 * (size - 1), 2 * (out - 1)
    pad = 0 if bilinear else -(out - 1)
  else:
    stride, up = 2 * size, 2 * out
    pad = (out - size if bilinear else -size) if half else 0
  return AxisWindow(2, stride, up, pad, up) if bilinear else AxisWindow(1, stride, 1, pad, up)
