# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which input positions an operator reads for an output position, in rows and in columns.

A `StageOp` knows the rows that its steps read, clamped to the map. Schedules that
cut maps into tiles also need the columns, and what a tile reads before clamping;
both are derived here from the operator of the graph.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tflm_patch.graph.types import Tensor
from tflm_patch.planner.operators import base
from tflm_patch.planner.operators.base import OpView
from tflm_patch.planner.operators.transpose import NCHW_TO_NHWC
from tflm_patch.planner.shapes import feature_shape


@dataclasses.dataclass(frozen=True)
class AxisWindow:
  """A sliding window along one axis.

  Output position o reads the input positions (o * stride - pad + t * dilation) / up,
  rounded down, for t = 0 .. kernel - 1. `up` is above 1 where the map grows.
  """

  kernel: int = 1
  stride: int = 1
  dilation: int = 1
  pad: int = 0
  up: int = 1

  @property
  def reach(self) -> int:
    """Distance between the first and the last position read, times `up`."""
    return (self.kernel - 1) * self.dilation

  def reads(self, first: int, last: int) -> tuple[int, int]:
    """First and last input position that outputs first .. last read, not clamped."""
    low = first * self.stride - self.pad
    high = last * self.stride - self.pad + self.reach
    return low // self.up, high // self.up


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
  if not op.has_input(3) or not op.input(3).is_constant or op.input(3).elements != 4:
    return WHOLE
  return WHOLE if min(op.input(3).array().tolist()) < 0 else _pointwise(op, tensor)


def _sliding(op: OpView, tensor: Tensor) -> Window:
  has_weights = op.operator.opcode in ('CONV_2D', 'DEPTHWISE_CONV_2D')
  if has_weights and not op.has_input(1):
    return WHOLE
  window = base.window_of(op, base.kernel_of(op))
  if min(value for name, value in window.items() if not name.startswith('pad')) < 1:
    return WHOLE
  rows, cols = (
      AxisWindow(
          window[f'kernel_{axis}'], window[f'stride_{axis}'], window[f'dilation_{axis}'], pad
      )
      for axis, pad in (('h', window['pad_top']), ('w', window['pad_left']))
  )
  return rows, cols


def _pad(op: OpView, tensor: Tensor) -> Window:
  if not op.has_input(1) or not op.input(1).is_constant or op.input(1).elements != 8:
    return WHOLE
  before = op.input(1).array().reshape(4, 2)[:, 0].tolist()
  return AxisWindow(pad=int(before[1])), AxisWindow(pad=int(before[2]))


def _transpose(op: OpView, tensor: Tensor) -> Window:
  return (SAME, SAME) if _is_from_nchw(op) else WHOLE


def _is_from_nchw(op: OpView) -> bool:
  if not op.has_input(1) or not op.input(1).is_constant or len(op.input().shape) != 4:
    return False
  return bool(op.input(1).array().reshape(-1).tolist() == NCHW_TO_NHWC)


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
  """Input i is spread over the outputs i * stride - pad .. + kernel - 1."""
  if not op.has_input(2) or tensor is not op.input(2) or not op.has_input(1):
    return WHOLE
  source, target = feature_shape(tensor), feature_shape(op.output())
  shape = op.input(1).shape
  strides = int(op.option('strideH', 1)), int(op.option('strideW', 1))
  if source is None or target is None or len(shape) != 4 or min(strides) < 1:
    return WHOLE
  found = []
  for size, out, kernel, stride in zip(source, target, shape[1:3], strides):
    pad = 0
    if op.option('padding') == 0:
      pad = max(0, (size - 1) * stride + kernel - out) // 2
    found.append(AxisWindow(kernel - stride + 1, 1, 1, kernel - stride - pad, stride))
  return found[0], found[1]


def _space_to_depth(op: OpView, tensor: Tensor) -> Window:
  block = int(op.option('blockSize'))
  return WHOLE if block < 1 else (AxisWindow(block, block), AxisWindow(block, block))


def _depth_to_space(op: OpView, tensor: Tensor) -> Window:
  block = int(op.option('blockSize'))
  return WHOLE if block < 1 else (AxisWindow(up=block), AxisWindow(up=block))


_WINDOWED: dict[str, Callable[[OpView, Tensor], Window]] = {
    'AVERAGE_POOL_2D': _sliding,
    'CONV_2D': _sliding,
    'DEPTHWISE_CONV_2D': _sliding,
    'DEPTH_TO_SPACE': _depth_to_space,
    'EXPAND_DIMS': _renamed,
    'MAX_POOL_2D': _sliding,
    'PAD': _pad,
    'PADV2': _pad,
    'RESHAPE': _renamed,
    'RESIZE_BILINEAR': _resize,
    'RESIZE_NEAREST_NEIGHBOR': _resize,
    'SPACE_TO_DEPTH': _space_to_depth,
    'SQUEEZE': _renamed,
    'STRIDED_SLICE': _strided_slice,
    'TRANSPOSE': _transpose,
    'TRANSPOSE_CONV': _transpose_conv,
}
