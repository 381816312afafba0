# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which input positions an operator reads for an output position, in rows and in columns.

A `StageOp` knows the rows that its steps read, clamped to the map. Schedules that
cut maps into tiles also need the columns, and what a tile reads before clamping;
both are derived here from the operator of the graph.
"""

from __future__ import annotations

from collections.abc import Callable

from tflm_patch.graph.axis_window import AxisWindow, CellWindow
from tflm_patch.graph.types import Tensor
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.lowering.operators import base, space_to_depth, transpose_conv
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.planner.lowering.operators.pad import pads_of
from tflm_patch.planner.lowering.operators.transpose import NCHW_TO_NHWC

# Rows and columns; None where an output position reads the whole axis.
Window = tuple[AxisWindow | None, AxisWindow | None]

SAME = AxisWindow()
WHOLE: Window = (None, None)

# Operators that compute a position from the same position of their inputs.
POINTWISE = frozenset({
    'ABS', 'ADD', 'CAST', 'CEIL', 'CONCATENATION', 'COS', 'DEQUANTIZE', 'DIV', 'ELU', 'EQUAL',
    'EXP', 'FLOOR', 'FLOOR_DIV', 'FLOOR_MOD', 'GELU', 'GREATER', 'GREATER_EQUAL',
    'HARD_SWISH', 'L2_NORMALIZATION', 'LEAKY_RELU', 'LESS', 'LESS_EQUAL', 'LOG', 'LOGICAL_AND',
    'LOGICAL_NOT', 'LOGICAL_OR', 'LOGISTIC', 'LOG_SOFTMAX', 'MAXIMUM', 'MINIMUM', 'MUL', 'NEG',
    'NOT_EQUAL', 'PRELU', 'QUANTIZE', 'RELU', 'RELU6', 'RELU_N1_TO_1', 'ROUND', 'RSQRT',
    'SELECT_V2', 'SIN', 'SLICE', 'SOFTMAX', 'SPLIT', 'SPLIT_V', 'SQRT', 'SQUARE',
    'SQUARED_DIFFERENCE', 'SUB', 'TANH',
})  # fmt: skip


def spatial_shape(op: OpView, tensor: Tensor) -> tuple[int, int, int] | None:
  """Rows, columns and channels of a tensor as an operator sees them.

  The operand of a TRANSPOSE from NCHW is an image, though its memory is not.
  """
  shape = feature_shape(tensor)
  if op.operator.opcode == 'TRANSPOSE' and tensor is op.input() and _is_from_nchw(op):
    return tensor.shape[2], tensor.shape[3], tensor.shape[1]
  return shape


def windows(op: OpView) -> dict[int, Window]:
  """Tensor index of each computed input -> how the outputs read it.

  An operator that is not known reads all of its inputs.
  """
  activations = [
      i for i in op.operator.inputs if i >= 0 and not op.subgraph.tensors[i].is_constant
  ]
  find = _WINDOWED.get(op.operator.opcode)
  if find is None:
    find = _pointwise if op.operator.opcode in POINTWISE else None
  if find is None or not op.operator.outputs or min(op.operator.outputs) < 0:
    return dict.fromkeys(activations, WHOLE)
  return {i: find(op, op.subgraph.tensors[i]) for i in activations}


def _pointwise(op: OpView, tensor: Tensor) -> Window:
  source, target = feature_shape(tensor), feature_shape(op.output())
  if source is None or target is None:
    return WHOLE
  rows, cols = (SAME if a == b else None for a, b in zip(source[:2], target[:2]))
  return rows, cols


def _renamed(op: OpView, tensor: Tensor) -> Window:
  """The same bytes in another shape: positions stay where rows and columns do."""
  source, target = feature_shape(tensor), feature_shape(op.output())
  return (SAME, SAME) if source is not None and source == target else WHOLE


def _strided_slice(op: OpView, tensor: Tensor) -> Window:
  """Of channels only: a slice that keeps rows and columns may still turn them round."""
  strides = op.integers(3)
  if strides is None or len(strides) != 4 or min(strides) < 0:
    return WHOLE
  return _pointwise(op, tensor)


def _sliding(op: OpView, tensor: Tensor) -> Window:
  has_weights = op.operator.opcode in ('CONV_2D', 'DEPTHWISE_CONV_2D')
  if has_weights and not op.has_input(1):
    return WHOLE
  window = base.window_of(op, base.kernel_of(op))
  return WHOLE if _is_void(window) else window


def _is_void(window: CellWindow) -> bool:
  return any(min(along.kernel, along.stride, along.dilation) < 1 for along in window)


def _pad(op: OpView, tensor: Tensor) -> Window:
  pads = pads_of(op)
  if pads is None or pads.shape != (4, 2):
    return WHOLE
  return AxisWindow(pad=int(pads[1][0])), AxisWindow(pad=int(pads[2][0]))


def _transpose(op: OpView, tensor: Tensor) -> Window:
  return (SAME, SAME) if _is_from_nchw(op) else WHOLE


def _is_from_nchw(op: OpView) -> bool:
  return len(op.input().shape) == 4 and op.integers(1) == NCHW_TO_NHWC


def _resize(op: OpView, tensor: Tensor) -> Window:
  """Nearest: round down; bilinear: that position and the next one."""
  source, target = feature_shape(op.input()), feature_shape(op.output())
  if source is None or target is None:
    return WHOLE
  is_bilinear = op.operator.opcode == 'RESIZE_BILINEAR'
  rows, cols = (
      _scaled(
          a, b, bool(op.option('alignCorners')), bool(op.option('halfPixelCenters')), is_bilinear
      )
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


def _transpose_conv(op: OpView, tensor: Tensor) -> Window:
  if not op.has_input(2) or tensor is not op.input(2) or not op.has_input(1):
    return WHOLE
  if len(op.input(1).shape) != 4 or feature_shape(op.output()) is None:
    return WHOLE
  rows, cols = window = transpose_conv.window_of(op)
  return WHOLE if _is_void(window) else (rows.transposed(), cols.transposed())


def _blocks(op: OpView, tensor: Tensor) -> Window:
  if int(op.option('blockSize')) < 1:
    return WHOLE
  window = space_to_depth.window_of(op)
  return window, window


_WINDOWED: dict[str, Callable[[OpView, Tensor], Window]] = {
    'AVERAGE_POOL_2D': _sliding,
    'CONV_2D': _sliding,
    'DEPTHWISE_CONV_2D': _sliding,
    'DEPTH_TO_SPACE': _blocks,
    'EXPAND_DIMS': _renamed,
    'MAX_POOL_2D': _sliding,
    'PAD': _pad,
    'PADV2': _pad,
    'RESHAPE': _renamed,
    'RESIZE_BILINEAR': _resize,
    'RESIZE_NEAREST_NEIGHBOR': _resize,
    'SPACE_TO_DEPTH': _blocks,
    'SQUEEZE': _renamed,
    'STRIDED_SLICE': _strided_slice,
    'TRANSPOSE': _transpose,
    'TRANSPOSE_CONV': _transpose_conv,
}
