# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""GATHER, GATHER_ND, BROADCAST_TO, MIRROR_PAD and REVERSE_V2: values by index."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from tflm_patch.graph.types import DType, Tensor
from tflm_patch.planner.ir.shapes import feature_shape, map_axes
from tflm_patch.planner.ir.stage_graph import RowReads, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, reshape, resize_nearest
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import GatherParams

Shape = tuple[int, int, int]


def lower_index(
  op: OpView, builder: StageBuilder, source_shape: Shape, index: list[np.ndarray]
) -> None:
  """Appends a copy of the input's rows, columns and channels of the given numbers."""
  source = reshape.read_as(op, builder, op.operator.inputs[0], source_shape)
  rows, cols, channels = (each.size for each in index)
  made = reshape.make_as(op, builder, op.operator.outputs[0], (rows, cols, channels))
  tables = [
    None if np.array_equal(each, np.arange(size)) else each
    for each, size in zip(index, source_shape)
  ]
  # Rows that go up and down are read from the least to come to the largest so far.
  first = np.minimum.accumulate(index[0][::-1])[::-1]
  last = np.maximum.accumulate(index[0])
  table = None if tables[0] is None else np.stack([index[0], first, last], 1)
  builder.add(
    op,
    StageOp(
      kind=program.Kind.GATHER,
      inputs=(source,),
      outputs=(made.map,),
      steps=rows,
      reads=(RowReads(first.astype(np.int64), last.astype(np.int64)),),
      params=GatherParams(table, tables[1], tables[2]),
    ),
  )
  made.finish()


def _shape(tensor: Tensor) -> Shape:
  shape = feature_shape(tensor)
  assert shape is not None
  return shape


def _all(shape: Shape) -> list[np.ndarray]:
  return [np.arange(size) for size in shape]


_COPIES = (base.constraint_input_is_activation, resize_nearest.constraint_int8)
_INTEGER_COPIES = (base.constraint_input_is_activation, resize_nearest.constraint_int8_or_int16)


# ---- GATHER ----


def _gather_axis(op: OpView) -> int | None:
  """The map's axis, None for another one."""
  rank, axis = len(op.input().shape), int(op.option('axis'))
  axes = map_axes(rank)
  return axes.index(axis % rank) if -rank <= axis < rank and axis % rank in axes else None


def constraint_gather_axis(op: OpView) -> str | None:
  """The axis is that of rows, columns or channels, and no dimension is a batch"""
  if _gather_axis(op) is None or op.option('batchDims'):
    return f'axis {op.option("axis")}, {op.option("batchDims")} batch dimensions'
  return None


def constraint_positions(op: OpView) -> str | None:
  """The positions are constant int32 and lie in the input"""
  positions, axis = op.integers(1), _gather_axis(op)
  assert axis is not None
  size = _shape(op.input())[axis]
  if positions is None:
    return 'computed, or not int32'
  if not positions or min(positions) < 0 or max(positions) >= size or len(positions) > 0xFFFF:
    return f'{len(positions)} positions of {size}'
  return None


def constraint_gathered_shape(op: OpView) -> str | None:
  """The output has the positions' dimensions in place of the axis"""
  source, rank = op.input().shape, len(op.input().shape)
  axis = int(op.option('axis')) % rank
  wanted = (*source[:axis], *op.input(1).shape, *source[axis + 1 :])
  return None if op.output().shape == wanted else f'output {list(op.output().shape)}'


@base.register(
  'GATHER',
  *_COPIES,
  constraint_gather_axis,
  constraint_positions,
  constraint_gathered_shape,
  reads=cells.whole,
)
def lower_gather(op: OpView, builder: StageBuilder) -> None:
  """Of constant positions, along rows, columns or channels"""
  shape, axis, positions = _shape(op.input()), _gather_axis(op), op.integers(1)
  assert axis is not None and positions is not None
  index = _all(shape)
  index[axis] = np.array(positions)
  lower_index(op, builder, shape, index)


# ---- GATHER_ND ----

_MAX_SLICES = 0xFFFF


def _slices(op: OpView) -> tuple[Shape, list[int]] | None:
  """The map whose rows are the slices that an index names, and the rows that are taken.

  None where indices are no constants, or point out of the map.
  """
  indices, shape = op.integers(1), op.input().shape
  if indices is None or not op.input(1).shape:
    return None
  depth = op.input(1).shape[-1]
  if not 1 <= depth <= len(shape) or not indices:
    return None
  table = np.array(indices, np.int64).reshape(-1, depth)
  if np.any(table < 0) or np.any(table >= shape[:depth]):
    return None
  count = math.prod(shape[:depth])
  steps = [math.prod(shape[i + 1 : depth]) for i in range(depth)]
  taken = (table @ np.array(steps, np.int64)).tolist()
  rows, cols, channels = _shape(op.input())
  size = math.prod(shape[depth:])
  return ((rows, cols, channels) if size == cols * channels else (count, 1, size)), taken


def constraint_indices(op: OpView) -> str | None:
  """Indices are constant int32 in the input, of at most 65,535 slices"""
  found = _slices(op)
  if found is None:
    return 'computed, not int32, or outside of the input'
  (rows, _, _), taken = found
  return None if max(rows, len(taken)) <= _MAX_SLICES else f'{len(taken)} of {rows} slices'


def constraint_sliced_shape(op: OpView) -> str | None:
  """The output has the indices' dimensions, then those of a slice"""
  depth = op.input(1).shape[-1]
  wanted = (*op.input(1).shape[:-1], *op.input().shape[depth:])
  return None if op.output().shape == wanted else f'output {list(op.output().shape)}'


@base.register(
  'GATHER_ND', *_COPIES, constraint_indices, constraint_sliced_shape, reads=cells.whole
)
def lower_gather_nd(op: OpView, builder: StageBuilder) -> None:
  """Of constant indices"""
  found = _slices(op)
  assert found is not None
  shape, taken = found
  index = _all(shape)
  index[0] = np.array(taken)
  lower_index(op, builder, shape, index)


# ---- BROADCAST_TO ----


def _broadcast_from(op: OpView) -> Shape | None:
  """The input's shape with 1 for each dimension that it lacks, as a map's."""
  missing = len(op.output().shape) - len(op.input().shape)
  if missing < 0:
    return None
  dims = (1,) * missing + op.input().shape
  axes = map_axes(len(dims))
  rows, cols, channels = (1 if dim is None else dims[dim] for dim in axes)
  return rows, cols, channels


def constraint_broadcast(op: OpView) -> str | None:
  """Every dimension of the input is the output's, or 1; the shape is constant and the output's"""
  wanted = op.integers(1)
  if op.has_input(1) and op.input(1).is_constant and op.input(1).dtype == DType.INT64:
    wanted = op.input(1).array().reshape(-1).tolist()
  source = _broadcast_from(op)
  if source is None or wanted is None or tuple(wanted) != op.output().shape:
    return f'{list(op.input().shape)} to {list(op.output().shape)}'
  target = _shape(op.output())
  is_batched = len(op.input().shape) > 3 and op.input().shape[0] != 1
  if is_batched or any(a not in (1, b) for a, b in zip(source, target)):
    return f'{list(op.input().shape)} to {list(op.output().shape)}'
  return None


@base.register('BROADCAST_TO', *_INTEGER_COPIES, constraint_broadcast, reads=cells.pointwise)
def lower_broadcast(op: OpView, builder: StageBuilder) -> None:
  """Along rows, columns and channels"""
  source, target = _broadcast_from(op), _shape(op.output())
  assert source is not None
  index = [
    np.arange(size) if size == of else np.zeros(size, int) for of, size in zip(source, target)
  ]
  lower_index(op, builder, source, index)


# ---- MIRROR_PAD ----

_REFLECT = 0


def _pads(op: OpView) -> list[list[int]] | None:
  """(before, after) of each dimension."""
  if not op.has_input(1) or not op.input(1).is_constant:
    return None
  tensor = op.input(1)
  if tensor.dtype not in (DType.INT32, DType.INT64):
    return None
  pads = tensor.array()
  return pads.tolist() if pads.shape == (len(op.input().shape), 2) else None


def constraint_mirror_pads(op: OpView) -> str | None:
  """Constant pads of rows, columns and channels, each shorter than what it mirrors"""
  pads, shape = _pads(op), op.input().shape
  if pads is None:
    return 'computed, or not a pair for each dimension'
  less = 1 if op.option('mode') == _REFLECT else 0
  axes = map_axes(len(shape))
  for dim, ((before, after), size) in enumerate(zip(pads, shape)):
    most = size - less if dim in axes else 0
    if not 0 <= before <= most or not 0 <= after <= most:
      return f'{pads} of {list(shape)}'
    if op.output().shape[dim : dim + 1] != (before + size + after,):
      return f'{list(shape)} to {list(op.output().shape)}'
  return None if len(op.output().shape) == len(shape) else f'{list(op.output().shape)}'


@base.register('MIRROR_PAD', *_COPIES, constraint_mirror_pads, reads=cells.whole)
def lower_mirror_pad(op: OpView, builder: StageBuilder) -> None:
  """Of rows, columns and channels, with the border repeated or not"""
  pads, shape = _pads(op), _shape(op.input())
  assert pads is not None
  mode: Literal['reflect', 'symmetric'] = (
    'reflect' if op.option('mode') == _REFLECT else 'symmetric'
  )
  index = [
    np.arange(size) if dim is None else np.pad(np.arange(size), pads[dim], mode)
    for dim, size in zip(map_axes(len(op.input().shape)), shape)
  ]
  lower_index(op, builder, shape, index)


# ---- REVERSE_V2 ----


def constraint_one_axis(op: OpView) -> str | None:
  """One constant axis, that of rows, columns or channels; the shape stays"""
  axes, rank = op.integers(1), len(op.input().shape)
  if axes is None or len(axes) != 1 or not -rank <= axes[0] < rank:
    return f'axes {axes}'
  if axes[0] % rank not in map_axes(rank) or op.output().shape != op.input().shape:
    return f'axis {axes[0]} of {list(op.input().shape)} to {list(op.output().shape)}'
  return None


@base.register('REVERSE_V2', *_INTEGER_COPIES, constraint_one_axis, reads=cells.whole)
def lower_reverse(op: OpView, builder: StageBuilder) -> None:
  """Along rows, columns or channels"""
  axes, rank, shape = op.integers(1), len(op.input().shape), _shape(op.input())
  assert axes is not None
  index = _all(shape)
  axis = map_axes(rank).index(axes[0] % rank)
  index[axis] = index[axis][::-1]
  lower_index(op, builder, shape, index)
