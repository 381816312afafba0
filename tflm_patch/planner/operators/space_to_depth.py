# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_DEPTH and DEPTH_TO_SPACE."""

from __future__ import annotations

import numpy as np

from tflm_patch.planner import program, rows
from tflm_patch.planner.builder import StageBuilder
from tflm_patch.planner.constants import ConstantPool
from tflm_patch.planner.operators import base, conv, resize_nearest
from tflm_patch.planner.operators.base import OpView
from tflm_patch.planner.stage_ir import RowReads


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


@base.register('SPACE_TO_DEPTH', *_RULES)
def lower_space_to_depth(op: OpView, builder: StageBuilder) -> None:
  """With any block size"""
  block, steps = int(op.option('blockSize')), op.output().shape[1]
  reads = rows.window_reads(steps, steps * block, block, block)
  _lower(op, builder, program.Kind.SPACE_TO_DEPTH, reads)


@base.register('DEPTH_TO_SPACE', *_RULES)
def lower_depth_to_space(op: OpView, builder: StageBuilder) -> None:
  """With any block size"""
  reads = rows.listed_rows(np.arange(op.output().shape[1]) // int(op.option('blockSize')))
  _lower(op, builder, program.Kind.DEPTH_TO_SPACE, reads)


def _lower(op: OpView, builder: StageBuilder, kind: program.Kind, reads: RowReads) -> None:
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])

  def encode(pool: ConstantPool) -> bytes:
    del pool
    return program.BLOCK.pack(block=int(op.option('blockSize')))

  builder.add(op, kind, [source], [target], [reads], encode)
