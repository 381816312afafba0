# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SPLIT and SPLIT_V."""

from __future__ import annotations

from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import map_axes
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.planner.lowering.operators.strided_slice import Cut, lower_cuts
from tflm_patch.program import records as program

MAX_OUTPUTS = 255
# The operands that hold the input and the axis.
_PLACES = {'SPLIT': (1, 0), 'SPLIT_V': (0, 2)}


def _input(op: OpView) -> int:
  return _PLACES[op.operator.opcode][0]


def _axis(op: OpView) -> int | None:
  """The dimension that is split, not negative; None when it is not known."""
  place = _PLACES[op.operator.opcode][1]
  values = op.integers(place)
  if values is None or len(values) != 1:
    return None
  axis, rank = values[0], len(op.input(_input(op)).shape)
  return axis % rank if -rank <= axis < rank else None


@base.of_types(DType.INT8, DType.INT16)
def constraint_computed_input(op: OpView) -> str | None:
  """The input is a computed int8 or int16 map, and so are the outputs; there are at most 255"""
  if not op.has_input(_input(op)) or op.input(_input(op)).is_constant:
    return 'no computed input'
  count, dtype = len(op.operator.outputs), op.output().dtype
  for tensor in (op.input(_input(op)), *(op.output(i) for i in range(count))):
    if tensor.dtype not in (DType.INT8, DType.INT16) or tensor.dtype != dtype:
      return f'"{tensor.name}" is {tensor.dtype.name}'
  return None if count <= MAX_OUTPUTS else f'{count} outputs'


def constraint_sizes(op: OpView) -> str | None:
  """The sizes of the parts are constant"""
  return None if op.has_input(1) and op.input(1).is_constant else 'computed'


def constraint_axis(op: OpView) -> str | None:
  """The axis is constant and that of rows, columns or channels"""
  axis = _axis(op)
  if axis is None or axis not in map_axes(len(op.input(_input(op)).shape)):
    return f'axis {axis}'
  return None


def constraint_parts(op: OpView) -> str | None:
  """The outputs make up the input; those of SPLIT have the same size"""
  axis, shape = _axis(op), list(op.input(_input(op)).shape)
  assert axis is not None
  parts = [list(op.output(i).shape) for i in range(len(op.operator.outputs))]
  sizes = {part[axis] for part in parts if len(part) == len(shape)}
  if any(part != [*shape[:axis], *part[axis : axis + 1], *shape[axis + 1 :]] for part in parts):
    return f'{shape} to {parts}'
  if sum(part[axis] for part in parts) != shape[axis]:
    return f'{shape} to {parts}'
  if op.operator.opcode == 'SPLIT' and len(sizes) != 1:
    return f'{shape} to {parts}'
  return None


@base.register(
  'SPLIT', constraint_computed_input, constraint_axis, constraint_parts, reads=cells.pointwise
)
@base.register(
  'SPLIT_V',
  constraint_computed_input,
  constraint_sizes,
  constraint_axis,
  constraint_parts,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Along rows, columns or channels"""
  axis = _axis(op)
  assert axis is not None
  source = builder.read(op.operator.inputs[_input(op)])
  targets = [builder.make(index) for index in op.operator.outputs]
  if axis == map_axes(len(op.input(_input(op)).shape))[0]:
    # Each output has rows of its own: a slice makes it when they are wanted.
    begin = 0
    for target in targets:
      made = builder.map(target)
      cuts = Cut(begin, made.rows), Cut(0, made.cols), Cut(0, made.channels)
      lower_cuts(op, builder, source, target, cuts)
      begin += made.rows
    return
  count = builder.map(source).rows
  builder.add(
    op,
    StageOp(
      kind=program.Kind.SPLIT,
      inputs=(source,),
      outputs=tuple(targets),
      steps=builder.map(targets[0]).rows,
      reads=(rows.same_row(count, count),),
    ),
  )
