# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESIZE_BILINEAR."""

from __future__ import annotations

import numpy as np

from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.ir.stage_graph import RowReads, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, conv, resize_nearest
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import ResizeParams

ONE = 1 << 10  # weights are in 1/1024


def between(
  size: int, out: int, align_corners: bool, half_pixel_centers: bool
) -> tuple[np.ndarray, np.ndarray] | None:
  """Where the output positions lie, by ComputeInterpolationValuesInteger of TFLM.

  Args:
    size, out: Input and output positions.
    align_corners, half_pixel_centers: As in the operator's options.

  Returns:
    For each output position the input index below it and the weight, in 1/1024, of the
    next one; None when TFLM would read beyond the input.
  """
  if align_corners and out > 1:
    scale = (ONE * (size - 1) + (out - 1) // 2) // (out - 1)
  else:
    scale = (ONE * size + out // 2) // out
  # Before the first centre TFLM extrapolates between two times the first value.
  offset = scale // 2 - ONE // 2 if half_pixel_centers else 0
  position = np.maximum(np.arange(out, dtype=np.int64) * scale + offset, 0)
  index, weight = position // ONE, position % ONE
  if index[-1] >= size:
    return None
  # Behind the last centre it interpolates between two times the last value.
  weight[index == size - 1] = 0
  return index, weight


def _axes(op: OpView) -> list[tuple[np.ndarray, np.ndarray] | None]:
  source, target = feature_shape(op.input()), feature_shape(op.output())
  assert source is not None and target is not None
  flags = bool(op.option('alignCorners', False)), bool(op.option('halfPixelCenters', False))
  return [between(a, b, *flags) for a, b in zip(source[:2], target[:2])]


def constraint_one_mode(op: OpView) -> str | None:
  """Corners are aligned or centers are half-pixel, not both"""
  both = op.option('alignCorners', False) and op.option('halfPixelCenters', False)
  return 'both' if both else None


def constraint_inside(op: OpView) -> str | None:
  """Positions in steps of 1/1024 stay in the map (TFLM rounds the step)"""
  if None not in _axes(op):
    return None
  return f'{list(op.input().shape)} to {list(op.output().shape)}'


@base.register(
  'RESIZE_BILINEAR',
  base.constraint_input_is_activation,
  resize_nearest.constraint_int8,
  conv.constraint_rank_4,
  resize_nearest.constraint_constant_size,
  constraint_one_mode,
  constraint_inside,
  reads=cells.resized,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Any factor, with aligned corners or half-pixel centers; reads two rows at most"""
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  row_axis, col_axis = _axes(op)
  assert row_axis is not None and col_axis is not None
  params = ResizeParams(*(np.stack(axis, axis=1) for axis in (row_axis, col_axis)))
  index, weight = row_axis
  builder.add(
    op,
    StageOp(
      kind=program.Kind.RESIZE_BILINEAR,
      inputs=(source,),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=(RowReads(index, index + (weight > 0)),),
      params=params,
    ),
  )
