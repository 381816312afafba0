# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ARG_MAX and ARG_MIN."""

from __future__ import annotations

from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, reshape
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import ArgMaxParams


@base.of_types(DType.INT8)
def constraint_types(op: OpView) -> str | None:
  """The input is int8, the output int32"""
  types = op.input().dtype, op.output().dtype
  return None if types == (DType.INT8, DType.INT32) else f'{types[0].name} to {types[1].name}'


def constraint_last_axis(op: OpView) -> str | None:
  """The axis is constant and the last one, which the output lacks"""
  axis, shape = op.integers(1), op.input().shape
  if axis is None or len(axis) != 1 or axis[0] not in (-1, len(shape) - 1):
    return f'axis {axis} of rank {len(shape)}'
  return None if op.output().shape == shape[:-1] else f'output {list(op.output().shape)}'


_RULES = base.constraint_input_is_activation, constraint_types, constraint_last_axis
_SIGNS = {'ARG_MAX': 1, 'ARG_MIN': -1}


@base.register('ARG_MAX', *_RULES, reads=cells.whole)
@base.register('ARG_MIN', *_RULES, reads=cells.whole)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Over channels"""
  shape = feature_shape(op.input())
  assert shape is not None
  count, cols, _ = shape
  source = reshape.read_as(op, builder, op.operator.inputs[0], shape)
  made = reshape.make_as(op, builder, op.operator.outputs[0], (count, cols, 1))
  builder.add(
    op,
    StageOp(
      kind=program.Kind.ARG_MAX,
      inputs=(source,),
      outputs=(made.map,),
      steps=count,
      reads=(rows.same_row(count, count),),
      params=ArgMaxParams(_SIGNS[op.operator.opcode]),
    ),
  )
  made.finish()
