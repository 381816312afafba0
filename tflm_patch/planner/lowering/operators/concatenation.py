# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION along rows, columns or channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape, map_axes
from tflm_patch.planner.ir.stage_graph import MapRole, StageOp, View
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, reshape
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program

MAX_INPUTS = 255
ROWS, COLS, CHANNELS = range(3)
_TYPES = (DType.INT8, DType.INT16)


def constraint_axis(op: OpView) -> str | None:
  """The axis is that of rows, columns or channels, and no activation is fused"""
  rank = len(op.output().shape)
  axis, activation = int(op.option('axis')), op.option('fusedActivationFunction')
  is_axis = -rank <= axis < rank and axis % rank in map_axes(rank)
  if not is_axis or activation:
    return f'axis {axis} of rank {rank}, activation {activation}'
  return None


def constraint_count(op: OpView) -> str | None:
  """There are at most 255 inputs, and one of them is computed"""
  count = len(op.operator.inputs)
  if count > MAX_INPUTS or min(op.operator.inputs) < 0:
    return f'{count} inputs'
  is_computed = any(not op.input(i).is_constant for i in range(count))
  return None if is_computed else 'all are constants'


@base.of_types(DType.INT8, DType.INT16)
def constraint_equal_inputs(op: OpView) -> str | None:
  """All inputs are maps of the output's type, int8 or int16, and quantization"""
  out, dtype = op.output().quantization, op.output().dtype
  for i in range(len(op.operator.inputs)):
    tensor = op.input(i)
    if tensor.dtype not in _TYPES or tensor.dtype != dtype:
      return f'"{tensor.name}" is {tensor.dtype.name}'
    quantization = tensor.quantization
    if quantization is None or out is None:
      return f'"{tensor.name}" has no scale'
    if quantization.scale != out.scale or quantization.zero_point != out.zero_point:
      return f'"{tensor.name}" has another scale'
  return None


def constraint_sizes(op: OpView) -> str | None:
  """The inputs make up the output along the axis and have its other dimensions"""
  target = list(op.output().shape)
  axis = int(op.option('axis')) % len(target)
  parts = [list(op.input(i).shape) for i in range(len(op.operator.inputs))]
  wrong = any(
    len(part) != len(target) or part[:axis] + part[axis + 1 :] != target[:axis] + target[axis + 1 :]
    for part in parts
  )
  if wrong or sum(part[axis] for part in parts) != target[axis]:
    return f'{parts} to {target}'
  return None


@base.register(
  'CONCATENATION',
  constraint_axis,
  constraint_count,
  constraint_equal_inputs,
  constraint_sizes,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Along rows, columns or channels; along rows the parts of an output are made in it"""
  rank = len(op.output().shape)
  axis = map_axes(rank).index(int(op.option('axis')) % rank)
  sources = []
  for i in op.operator.inputs:
    shape = feature_shape(op.subgraph.tensors[i])
    assert shape is not None
    sources.append(reshape.read_as(op, builder, i, shape))
  append(op, builder, sources, builder.make(op.operator.outputs[0]), axis)


def append(
  op: OpView, builder: StageBuilder, sources: Sequence[int], target: int, axis: int
) -> None:
  """Appends what makes a map of others side by side, or one below the other."""
  if axis == ROWS:
    _append_rows(op, builder, sources, target)
    return
  count = builder.map(target).rows
  builder.add(
    op,
    StageOp(
      kind=program.Kind.CONCATENATION,
      inputs=tuple(sources),
      outputs=(target,),
      steps=count,
      reads=tuple([rows.same_row(count, builder.map(s).rows) for s in sources]),
    ),
  )


def _append_rows(op: OpView, builder: StageBuilder, sources: Sequence[int], target: int) -> None:
  """One after the other; an output of the stage is whole anyway: its parts are made in it."""
  if builder.map(target).role is MapRole.OUTPUT:
    _append_parts(op, builder, sources, target)
    return
  whole, parts = builder.map(target), list(sources)
  for i, source in enumerate(sources):
    if source in parts[:i]:  # the kernel tells its inputs by their maps
      parts[i] = builder.temporary(whole.tensor, builder.map(source).shape)
      _append_copy(op, builder, source, parts[i])
  sizes = [builder.map(part).rows for part in parts]
  begins = np.cumsum([0, *sizes[:-1]])
  builder.add(
    op,
    StageOp(
      kind=program.Kind.CONCATENATION,
      inputs=tuple(parts),
      outputs=(target,),
      steps=whole.rows,
      reads=tuple(
        rows.part_of_rows(whole.rows, int(begin), size) for begin, size in zip(begins, sizes)
      ),
    ),
  )


def _append_copy(op: OpView, builder: StageBuilder, source: int, target: int) -> None:
  count = builder.map(target).rows
  builder.add(
    op,
    StageOp(
      kind=program.Kind.CONCATENATION,
      inputs=(source,),
      outputs=(target,),
      steps=count,
      reads=(rows.same_row(count, count),),
    ),
  )


def _append_parts(op: OpView, builder: StageBuilder, sources: Sequence[int], target: int) -> None:
  """Parts in the whole map's memory; `joined` takes out the copies that are not needed."""
  whole = builder.map(target)
  parts, top = [], 0
  for source in sources:
    shape = builder.map(source).shape
    part = builder.temporary(whole.tensor, shape, View(target, top, 0))
    _append_copy(op, builder, source, part)
    parts.append(part)
    top += shape[ROWS]
  builder.add(
    op,
    StageOp(
      kind=program.Kind.JOIN,
      inputs=tuple(parts),
      outputs=(target,),
      steps=whole.rows,
      reads=tuple(rows.whole_map(whole.rows, builder.map(part).rows) for part in parts),
    ),
  )
