# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The windows of convolutions and pools: kernel, stride, dilation and pads."""

from __future__ import annotations

import math

from tflm_patch.graph.axis_window import AxisWindow, CellWindow
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program.params import Window


def window_of(op: OpView, kernel: tuple[int, int]) -> CellWindow:
  """The window of a windowed operator.

  Follows TFLite's ComputePaddingHeightWidth: SAME pads (total // 2) before;
  explicit padding, folded from a PAD, is taken as it stands.
  """
  rows, cols, _ = feature_shape(op.input()) or (0, 0, 0)
  out_rows, out_cols, _ = feature_shape(op.output()) or (0, 0, 0)
  stride = (int(op.option('strideH', 1)), int(op.option('strideW', 1)))
  dilation = (int(op.option('dilationHFactor', 1)), int(op.option('dilationWFactor', 1)))
  pads = []
  explicit = op.operator.explicit_padding
  for axis, (size, out) in enumerate(((rows, out_rows), (cols, out_cols))):
    if explicit is not None:
      pads.append(explicit[0] if axis == 0 else explicit[2])
    elif op.option('padding', 0) == 0:
      effective = (kernel[axis] - 1) * dilation[axis] + 1
      pads.append(max(0, (out - 1) * stride[axis] + effective - size) // 2)
    else:
      pads.append(0)
  rows_window, cols_window = map(AxisWindow, kernel, stride, dilation, pads)
  return rows_window, cols_window


def window_record(window: CellWindow) -> Window:
  """A window as the parameter records hold it."""
  rows, cols = window
  return Window(
    kernel_h=rows.kernel,
    kernel_w=cols.kernel,
    stride_h=rows.stride,
    stride_w=cols.stride,
    dilation_h=rows.dilation,
    dilation_w=cols.dilation,
    pad_top=rows.pad,
    pad_left=cols.pad,
  )


def window_violation(window: CellWindow) -> str | None:
  """What of a window no record can hold, pads left out."""
  for axis, along in zip('hw', window):
    for name, most in (('kernel', 0xFF), ('stride', 0xFF), ('dilation', 0xFFFF)):
      if not 1 <= getattr(along, name) <= most:
        return f'{name}_{axis} {getattr(along, name)}'
  return None


def expected_window_output(op: OpView, kernel: tuple[int, int]) -> tuple[int, int]:
  """Output rows and columns by TFLite's ComputeOutSize, padding included."""
  rows, cols, _ = feature_shape(op.input()) or (0, 0, 0)
  explicit = op.operator.explicit_padding
  sizes = []
  for axis, size in enumerate((rows, cols)):
    stride = int(op.option('strideH' if axis == 0 else 'strideW', 1))
    dilation = int(op.option('dilationHFactor' if axis == 0 else 'dilationWFactor', 1))
    effective = (kernel[axis] - 1) * dilation + 1
    if explicit is not None:
      size += explicit[2 * axis] + explicit[2 * axis + 1]
    if explicit is None and op.option('padding', 0) == 0:
      sizes.append(math.ceil(size / stride))
    else:
      sizes.append((size + stride - effective) // stride)
  return sizes[0], sizes[1]


def constraint_window(op: OpView) -> str | None:
  """Kernel and stride are 1..255, dilation 1..65,535, and the output has the size that they give"""
  if op.operator.options is None:
    return 'no options'
  kernel = kernel_of(op)
  violation = window_violation(window_of(op, kernel))
  if violation is not None:
    return violation
  output = feature_shape(op.output()) or (0, 0, 0)
  if output[:2] != expected_window_output(op, kernel):
    return f'output {output[:2]} instead of {expected_window_output(op, kernel)}'
  return None


def kernel_of(op: OpView) -> tuple[int, int]:
  """Height and width of the window: from the weights, or a pool's options."""
  if op.operator.opcode in ('CONV_2D', 'DEPTHWISE_CONV_2D'):
    shape = op.input(1).shape
    return (shape[1], shape[2]) if len(shape) == 4 else (0, 0)
  return int(op.option('filterHeight', 0)), int(op.option('filterWidth', 0))
