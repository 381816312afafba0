# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE: any order of rows, columns and channels."""

from __future__ import annotations

from collections.abc import Callable

from tflm_patch.graph.types import DType, Tensor
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape, map_axes
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, reshape
from tflm_patch.planner.lowering.operators.base import CellReads, OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import PermuteParams

NCHW_TO_NHWC = [0, 2, 3, 1]
ROWS, COLS, CHANNELS = range(3)
SWAPPED = (COLS, ROWS, CHANNELS)
Order = tuple[int, int, int]


def constraint_permutation(op: OpView) -> str | None:
  """The permutation is constant, names every dimension once, and gives the output's shape"""
  permutation = op.integers(1)
  if permutation is None:
    return 'computed, or not int32'
  shape = op.input().shape
  if sorted(permutation) != list(range(len(shape))):
    return f'{permutation} of rank {len(shape)}'
  if op.output().shape != tuple(shape[axis] for axis in permutation):
    return f'{permutation} of {list(shape)} to {list(op.output().shape)}'
  return None


@base.of_types(DType.FLOAT32, DType.INT8, DType.INT16)
def constraint_types(op: OpView) -> str | None:
  """Values are int8, int16 or float32"""
  types = op.input().dtype, op.output().dtype
  if types[0] not in (DType.INT8, DType.INT16, DType.FLOAT32) or types[0] != types[1]:
    return f'{types[0].name} to {types[1].name}'
  return None


def order_of(op: OpView) -> Order:
  """The axes of the input's map that are the output's rows, columns and channels.

  Dimensions of size 1 may be any: they take the axes that are left.
  """
  permutation, shape = op.integers(1), op.input().shape
  assert permutation is not None
  of_input = {dim: axis for axis, dim in enumerate(map_axes(len(shape))) if dim is not None}
  order = [-1, -1, -1]
  for axis, dim in enumerate(map_axes(len(op.output().shape))):
    if dim is not None and shape[permutation[dim]] > 1:
      order[axis] = of_input[permutation[dim]]
  left = [axis for axis in range(3) if axis not in order]
  for axis, source in enumerate(order):
    # The same one where it can be: rows that stay can be streamed.
    if source < 0:
      order[axis] = left.pop(left.index(axis) if axis in left else 0)
  return order[ROWS], order[COLS], order[CHANNELS]


def _only_renames(op: OpView, order: Order) -> bool:
  """Whether the values stay where they are."""
  shape = feature_shape(op.input())
  assert shape is not None
  moved = [axis for axis in order if shape[axis] > 1]
  return moved == sorted(moved)


def is_from_nchw(op: OpView) -> bool:
  """Whether the operand is an image of planes."""
  return len(op.input().shape) == 4 and op.integers(1) == NCHW_TO_NHWC


def _is_image_of_planes(op: OpView, builder: StageBuilder) -> bool:
  """Whether it alone reads an NCHW input of the model, whose planes then are the map's rows."""
  tensor = op.operator.inputs[0]
  readers = [i for i, other in enumerate(op.subgraph.operators) if tensor in other.inputs]
  return (
    is_from_nchw(op)
    and tensor in op.subgraph.inputs
    and readers == [op.index]
    and tensor not in op.subgraph.outputs
    and not builder.knows(tensor)
  )


def reads(op: OpView, tensor: Tensor) -> CellReads:
  """The same cell of all planes of an image; the same row where rows stay."""
  if is_from_nchw(op):
    return cells.SAME, cells.SAME
  if constraint_permutation(op) is not None or base.constraint_static_batch_one(op) is not None:
    return base.WHOLE
  order = order_of(op)
  return (
    cells.SAME if order[ROWS] == ROWS else None,
    cells.SAME if order == (ROWS, COLS, CHANNELS) else None,
  )


def _is_of_heads(op: OpView) -> bool:
  """Whether products of several matrices alone read the result: attention of several heads."""
  tensor = op.operator.outputs[0]
  readers = {other.opcode for other in op.subgraph.operators if tensor in other.inputs}
  return readers == {'BATCH_MATMUL'}


def swap_back(op: OpView, builder: StageBuilder, swapped: int) -> Callable[[], None]:
  """What makes an operator's output of a map that has its rows and columns swapped."""

  def copy() -> None:
    target = builder.make(op.operator.outputs[0])
    count, input_rows = builder.map(target).rows, builder.map(swapped).rows
    builder.add(
      op,
      StageOp(
        kind=program.Kind.PERMUTE,
        inputs=(swapped,),
        outputs=(target,),
        steps=count,
        reads=(rows.whole_map(count, input_rows),),
        params=PermuteParams(SWAPPED),
      ),
      moves=True,
    )

  return copy


@base.register(
  'TRANSPOSE',
  base.constraint_input_is_activation,
  constraint_types,
  constraint_permutation,
  reads=reads,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of rows, columns and channels; row by row where rows stay and of an NCHW model input"""
  source_tensor, target_tensor = op.operator.inputs[0], op.operator.outputs[0]
  if _is_image_of_planes(op, builder):
    _, channels, height, width = op.input().shape
    source = builder.read_as(source_tensor, (channels, height, width))
    target = builder.make(target_tensor)
    builder.add(
      op,
      StageOp(
        kind=program.Kind.TRANSPOSE,
        inputs=(source,),
        outputs=(target,),
        steps=builder.map(target).rows,
        reads=(rows.whole_map(height, channels),),
      ),
    )
    return
  order = order_of(op)
  if _only_renames(op, order):
    reshape.lower(op, builder)
    return
  swapped = builder.swapped(source_tensor)
  if order == SWAPPED and swapped is not None:
    builder.alias(target_tensor, swapped)
    return
  shape = feature_shape(op.input())
  assert shape is not None
  source = reshape.read_as(op, builder, source_tensor, shape)
  if order == SWAPPED and not builder.is_wanted(target_tensor) and _is_of_heads(op):
    builder.defer(target_tensor, source, swap_back(op, builder, source))
    return
  target = builder.make(target_tensor)
  count, input_rows = builder.map(target).rows, builder.map(source).rows
  stays = order[ROWS] == ROWS
  builder.add(
    op,
    StageOp(
      kind=program.Kind.PERMUTE,
      inputs=(source,),
      outputs=(target,),
      steps=count,
      reads=(rows.same_row(count, input_rows) if stays else rows.whole_map(count, input_rows),),
      params=PermuteParams(order),
    ),
  )
