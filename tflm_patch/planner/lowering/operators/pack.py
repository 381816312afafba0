# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""PACK and UNPACK: maps along an axis that others do not have."""

from __future__ import annotations

from tflm_patch.graph.types import DType, Tensor
from tflm_patch.planner.ir.shapes import feature_shape, map_axes
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, concatenation, reshape
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.planner.lowering.operators.strided_slice import Cut, lower_cuts

Shape = tuple[int, int, int]
MAX_OUTPUTS = 255


def _whole(op: OpView) -> Tensor:
  return op.output() if op.operator.opcode == 'PACK' else op.input()


def _parts(op: OpView) -> list[Tensor]:
  if op.operator.opcode == 'PACK':
    return [op.input(i) for i in range(len(op.operator.inputs))]
  return [op.output(i) for i in range(len(op.operator.outputs))]


def _axis(op: OpView) -> int:
  """The map's axis that the parts lie along."""
  rank = len(_whole(op).shape)
  return map_axes(rank).index(int(op.option('axis')) % rank)


def _slice_shape(op: OpView) -> Shape:
  """The shape of a part as it lies in the whole."""
  shape = feature_shape(_whole(op))
  assert shape is not None
  sizes = [1 if axis == _axis(op) else size for axis, size in enumerate(shape)]
  return sizes[0], sizes[1], sizes[2]


@base.of_types(DType.INT8, DType.INT16)
def constraint_types(op: OpView) -> str | None:
  """All tensors are int8, or all int16"""
  dtype = _whole(op).dtype
  for tensor in (_whole(op), *_parts(op)):
    if tensor.dtype not in (DType.INT8, DType.INT16) or tensor.dtype != dtype:
      return f'"{tensor.name}" is {tensor.dtype.name}'
  return None


def constraint_axis(op: OpView) -> str | None:
  """The axis is that of rows, columns or channels of the larger tensor"""
  rank, axis = len(_whole(op).shape), int(op.option('axis'))
  is_axis = -rank <= axis < rank and axis % rank in map_axes(rank)
  return None if is_axis else f'axis {axis} of rank {rank}'


def constraint_parts(op: OpView) -> str | None:
  """The parts have the other dimensions of the larger tensor, and one at least is computed"""
  shape, parts = list(_whole(op).shape), _parts(op)
  axis = int(op.option('axis')) % len(shape)
  rest = shape[:axis] + shape[axis + 1 :]
  if len(parts) != shape[axis] or len(parts) > MAX_OUTPUTS:
    return f'{len(parts)} parts of {shape} along axis {axis}'
  if any(list(part.shape) != rest for part in parts):
    return f'{[list(part.shape) for part in parts]} and {shape}'
  if all(part.is_constant for part in parts) or min(op.operator.inputs) < 0:
    return 'all are constants'
  return None


@base.register('PACK', constraint_types, constraint_axis, constraint_parts, reads=cells.whole)
def lower_pack(op: OpView, builder: StageBuilder) -> None:
  """Along rows, columns or channels"""
  shape = _slice_shape(op)
  sources = [reshape.read_as(op, builder, i, shape) for i in op.operator.inputs]
  target = builder.make(op.operator.outputs[0])
  concatenation.append(op, builder, sources, target, _axis(op))


@base.register(
  'UNPACK',
  base.constraint_input_is_activation,
  constraint_types,
  constraint_axis,
  constraint_parts,
  reads=cells.whole,
)
def lower_unpack(op: OpView, builder: StageBuilder) -> None:
  """Along rows, columns or channels"""
  shape, axis = _slice_shape(op), _axis(op)
  whole = feature_shape(op.input())
  assert whole is not None
  source = reshape.read_as(op, builder, op.operator.inputs[0], whole)
  for i, tensor in enumerate(op.operator.outputs):
    made = reshape.make_as(op, builder, tensor, shape)
    row, col, channel = (
      Cut(i, 1) if each == axis else Cut(0, size) for each, size in enumerate(whole)
    )
    lower_cuts(op, builder, source, made.map, (row, col, channel))
    made.finish()
