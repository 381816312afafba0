# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_DEPTH and DEPTH_TO_SPACE."""

from __future__ import annotations

from tflm_patch.graph.axis_window import AxisWindow
from tflm_patch.graph.types import Tensor
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, conv, resize_nearest
from tflm_patch.planner.lowering.operators.base import CellReads, OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import BlockParams


def constraint_block(op: OpView) -> str | None:
  """Blocks of block_size x block_size cells of the one map are the other's cells"""
  block = int(op.option('blockSize'))
  space, depth = op.input().shape, op.output().shape
  if op.operator.opcode == 'DEPTH_TO_SPACE':
    space, depth = depth, space
  wanted = (1, depth[1] * block, depth[2] * block)
  if block < 1 or space[:3] != wanted or depth[3] != space[3] * block * block:
    return f'block {block}, {list(op.input().shape)} to {list(op.output().shape)}'
  return None


_RULES = (
  base.constraint_input_is_activation,
  resize_nearest.constraint_int8,
  conv.constraint_rank_4,
  constraint_block,
)


def window_of(op: OpView) -> AxisWindow:
  """How rows and columns are read."""
  block = int(op.option('blockSize'))
  return AxisWindow(block, block) if op.opcode == 'SPACE_TO_DEPTH' else AxisWindow(up=block)


def reads(op: OpView, tensor: Tensor) -> CellReads:
  """Blocks, or the cell whose block it is."""
  if int(op.option('blockSize')) < 1:
    return base.WHOLE
  window = window_of(op)
  return window, window


@base.register('SPACE_TO_DEPTH', *_RULES, reads=reads)
def lower_space_to_depth(op: OpView, builder: StageBuilder) -> None:
  """With any block size"""
  _lower(op, builder, program.Kind.SPACE_TO_DEPTH)


@base.register('DEPTH_TO_SPACE', *_RULES, reads=reads)
def lower_depth_to_space(op: OpView, builder: StageBuilder) -> None:
  """With any block size"""
  _lower(op, builder, program.Kind.DEPTH_TO_SPACE)


def _lower(op: OpView, builder: StageBuilder, kind: program.Kind) -> None:
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  reads = rows.window_reads(builder.map(target).rows, builder.map(source).rows, window_of(op))

  params = BlockParams(block=int(op.option('blockSize')))

  builder.add(
    op,
    StageOp(
      kind=kind,
      inputs=(source,),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=(reads,),
      params=params,
    ),
  )
