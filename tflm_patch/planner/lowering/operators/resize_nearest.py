# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESIZE_NEAREST_NEIGHBOR."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, conv
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import ResizeParams


def nearest(size: int, out: int, align_corners: bool, half_pixel_centers: bool) -> np.ndarray:
  """GetNearestNeighbor of TFLM in float32: the source index of each output index."""
  f32 = np.float32
  if align_corners and out > 1:
    scale = f32(size - 1) / f32(out - 1)
  else:
    scale = f32(size) / f32(out)
  offset = f32(0.5) if half_pixel_centers else f32(0)
  index = []
  for i in range(out):
    position = (f32(i) + offset) * scale
    value = quantize.round_half_away(float(position)) if align_corners else int(np.floor(position))
    index.append(max(min(value, size - 1), 0))
  return np.array(index, '<u2')


def constraint_constant_size(op: OpView) -> str | None:
  """The new size is constant and the channels stay"""
  values = op.integers(1)
  if values is None:
    return 'computed, or not int32'
  size = tuple(values)
  if op.output().shape[1:3] != size or op.output().shape[3] != op.input().shape[3]:
    return f'{list(op.input().shape)} to {list(op.output().shape)}'
  return None


@base.of_types(DType.INT8)
def constraint_int8(op: OpView) -> str | None:
  """Input and output are int8"""
  if (op.input().dtype, op.output().dtype) != (DType.INT8, DType.INT8):
    return f'{op.input().dtype.name} to {op.output().dtype.name}'
  return None


@base.of_types(DType.INT8, DType.INT16)
def constraint_int8_or_int16(op: OpView) -> str | None:
  """Input and output are int8, or both int16"""
  if op.input().dtype == op.output().dtype == DType.INT16:
    return None
  return constraint_int8(op)


@base.register(
  'RESIZE_NEAREST_NEIGHBOR',
  base.constraint_input_is_activation,
  constraint_int8_or_int16,
  conv.constraint_rank_4,
  constraint_constant_size,
  reads=cells.resized,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Any factor, with aligned corners or half-pixel centers"""
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  input_map, output_map = builder.map(source), builder.map(target)
  flags = bool(op.option('alignCorners', False)), bool(op.option('halfPixelCenters', False))
  row_index = nearest(input_map.rows, output_map.rows, *flags)
  col_index = nearest(input_map.cols, output_map.cols, *flags)
  builder.add(
    op,
    StageOp(
      kind=program.Kind.RESIZE_NEAREST,
      inputs=(source,),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=(rows.listed_rows(row_index),),
      params=ResizeParams(row_index, col_index),
    ),
  )
