# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE from NCHW to NHWC."""

from __future__ import annotations

from tflm_patch.graph.types import DType, Tensor
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells
from tflm_patch.planner.lowering.operators.base import CellReads, OpView
from tflm_patch.program import records as program

NCHW_TO_NHWC = [0, 2, 3, 1]


def constraint_permutation(op: OpView) -> str | None:
  """The permutation is constant and turns NCHW into NHWC"""
  permutation = op.integers(1)
  if permutation is None:
    return 'computed, or not int32'
  if permutation != NCHW_TO_NHWC or len(op.input().shape) != 4:
    return str(permutation)
  n, c, h, w = op.input().shape
  return None if op.output().shape == (n, h, w, c) else str(list(op.output().shape))


def constraint_input_of_the_model(op: OpView) -> str | None:
  """It reads an input of the model, since it needs all its channels at once"""
  if op.operator.inputs[0] not in op.subgraph.inputs:
    return f'"{op.input().name}" is computed'
  readers = [
    i for i, other in enumerate(op.subgraph.operators) if op.operator.inputs[0] in other.inputs
  ]
  return None if readers == [op.index] else f'operators {readers} read "{op.input().name}"'


@base.of_types(DType.FLOAT32, DType.INT8)
def constraint_types(op: OpView) -> str | None:
  """Values are int8 or float32"""
  types = op.input().dtype, op.output().dtype
  if types[0] not in (DType.INT8, DType.FLOAT32) or types[0] != types[1]:
    return f'{types[0].name} to {types[1].name}'
  return None


def is_from_nchw(op: OpView) -> bool:
  """Whether the operand is an image of planes."""
  return len(op.input().shape) == 4 and op.integers(1) == NCHW_TO_NHWC


def reads(op: OpView, tensor: Tensor) -> CellReads:
  """The same cell of all planes."""
  return (cells.SAME, cells.SAME) if is_from_nchw(op) else base.WHOLE


@base.register(
  'TRANSPOSE',
  base.constraint_input_is_activation,
  constraint_types,
  constraint_permutation,
  constraint_input_of_the_model,
  reads=reads,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of an NCHW model input, a row at a time"""
  _, channels, height, width = op.input().shape
  source = builder.read_as(op.operator.inputs[0], (channels, height, width))
  target = builder.make(op.operator.outputs[0])
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
