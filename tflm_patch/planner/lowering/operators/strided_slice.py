# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""STRIDED_SLICE and SLICE."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tflm_patch.graph.types import DType, Tensor
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape, map_axes
from tflm_patch.planner.ir.stage_graph import InPlace, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, resize_nearest
from tflm_patch.planner.lowering.operators.base import CellReads, OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import StridedSliceParams


@dataclasses.dataclass(frozen=True)
class Cut:
  """What is taken of an axis: `size` indices from `begin` on, `stride` apart."""

  begin: int
  size: int
  stride: int = 1


Cuts = tuple[Cut, Cut, Cut]  # of rows, columns, channels


def cuts_of_map(cuts: Sequence[Cut]) -> Cuts:
  """From a cut for each dimension of a tensor to those of its map."""
  row, col, channel = (Cut(0, 1) if axis is None else cuts[axis] for axis in map_axes(len(cuts)))
  return row, col, channel


def lower_cuts(op: OpView, builder: StageBuilder, source: int, target: int, cuts: Cuts) -> None:
  """Appends a slice of a map."""
  by_row, by_col, by_channel = (
    dataclasses.replace(cut, stride=1) if cut.size == 1 else cut for cut in cuts
  )
  index = by_row.begin + by_row.stride * np.arange(by_row.size)

  params = StridedSliceParams(
    begin_row=by_row.begin,
    begin_col=by_col.begin,
    begin_channel=by_channel.begin,
    row_stride=by_row.stride,
    col_stride=by_col.stride,
    channel_stride=by_channel.stride,
  )

  is_same_row = by_row.begin == 0 and by_row.stride == 1
  is_forward = by_col.stride > 0 and by_channel.stride > 0
  builder.add(
    op,
    StageOp(
      kind=program.Kind.STRIDED_SLICE,
      inputs=(source,),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=(rows.listed_rows(index),),
      params=params,
      in_place=(InPlace(0),) if is_same_row and is_forward else (),
    ),
  )


# ---- what the operators say ----


def _constants(op: OpView, dtypes: tuple[DType, ...]) -> list[list[int]] | None:
  """The operands that tell what to take, one value per dimension each."""
  rank = len(op.input().shape)
  values = []
  for i in range(1, len(op.operator.inputs)):
    if not op.has_input(i) or not op.input(i).is_constant:
      return None
    tensor = op.input(i)
    if tensor.dtype not in dtypes or tensor.dtype != op.input(1).dtype:
      return None
    values.append([int(value) for value in tensor.array().reshape(-1)])
  return values if all(len(each) == rank for each in values) else None


def _strided_cuts(op: OpView) -> list[Cut] | None:
  """The indices that TFLM's StridedSlice runs over."""
  operands = _constants(op, (DType.INT32,))
  if operands is None or len(operands) != 3:
    return None
  cuts = []
  for axis, (begin, end, stride, size) in enumerate(zip(*operands, op.input().shape)):
    if stride == 0:
      return None
    bit = 1 << axis
    low, high = (0, size) if stride > 0 else (-1, size - 1)
    if op.option('beginMask') & bit:
      start = low if stride > 0 else high
    else:
      start = min(max(begin + size if begin < 0 else begin, low), high)
    if op.option('shrinkAxisMask') & bit:
      stop = start + 1
    elif op.option('endMask') & bit:
      stop = high if stride > 0 else low
    else:
      stop = min(max(end + size if end < 0 else end, low), high)
    count = -((start - stop) // stride)
    if count < 1 or not 0 <= start < size:
      return None
    cuts.append(Cut(start, count, stride))
  return cuts


def _slice_cuts(op: OpView) -> list[Cut] | None:
  """Begin and size of SLICE; size -1 is all that follows."""
  operands = _constants(op, (DType.INT32, DType.INT64))
  if operands is None or len(operands) != 2:
    return None
  cuts = []
  for begin, count, size in zip(*operands, op.input().shape):
    cut = Cut(begin, size - begin if count == -1 else count)
    if cut.begin < 0 or cut.size < 1 or cut.begin + cut.size > size:
      return None
    cuts.append(cut)
  return cuts


def cuts_of(op: OpView) -> Cuts | None:
  """What a SLICE or STRIDED_SLICE takes of a map; None where it is computed, or nothing."""
  cuts = _slice_cuts(op) if op.operator.opcode == 'SLICE' else _strided_cuts(op)
  return None if cuts is None else cuts_of_map(cuts)


def constraint_masks(op: OpView) -> str | None:
  """There is no ellipsis, no new axis, and no end that counts from the begin"""
  values = {name: op.option(name) for name in ('ellipsisMask', 'newAxisMask', 'offset')}
  return str(values) if any(values.values()) else None


def constraint_constant_bounds(op: OpView) -> str | None:
  """What is taken is constant, lies in the input and is not empty"""
  if cuts_of(op) is None:
    return f'of {list(op.input().shape)}'
  return None


def constraint_taken_shape(op: OpView) -> str | None:
  """Rows are taken from top to bottom; rows, columns and channels are the output's"""
  cuts = cuts_of(op)
  assert cuts is not None
  taken = tuple(cut.size for cut in cuts)
  if taken != feature_shape(op.output()) or (cuts[0].size > 1 and cuts[0].stride < 0):
    return f'{list(taken)} to {list(op.output().shape)}'
  return None


def reads(op: OpView, tensor: Tensor) -> CellReads:
  """Of channels only: a slice that keeps rows and columns may still turn them round."""
  strides = op.integers(3)
  if strides is None or len(strides) != 4 or min(strides) < 0:
    return base.WHOLE
  return cells.pointwise(op, tensor)


@base.register(
  'SLICE',
  base.constraint_input_is_activation,
  resize_nearest.constraint_int8_or_int16,
  constraint_constant_bounds,
  constraint_taken_shape,
  reads=cells.pointwise,
)
@base.register(
  'STRIDED_SLICE',
  base.constraint_input_is_activation,
  resize_nearest.constraint_int8_or_int16,
  constraint_masks,
  constraint_constant_bounds,
  constraint_taken_shape,
  reads=reads,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of rows, columns and channels"""
  cuts = cuts_of(op)
  assert cuts is not None
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  lower_cuts(op, builder, source, target, cuts)
