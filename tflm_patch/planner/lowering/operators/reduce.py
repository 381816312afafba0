# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""REDUCE_MAX and REDUCE_MIN."""

from __future__ import annotations

from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, reductions, reshape
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import ReduceParams

_KINDS = {'REDUCE_MAX': program.Kind.REDUCE_MAX, 'REDUCE_MIN': program.Kind.REDUCE_MIN}
_RULES = (
  base.constraint_input_is_activation,
  base.constraint_int8_activations,
  base.constraint_same_quantization,
  reductions.constraint_axes,
  reductions.constraint_reduced_shape,
)


@base.register('REDUCE_MAX', *_RULES, reads=cells.whole)
@base.register('REDUCE_MIN', *_RULES, reads=cells.whole)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Over rows, columns or channels; rows are taken in one by one, no map is kept"""
  shape = feature_shape(op.input())
  assert shape is not None
  source = reshape.read_as(op, builder, op.operator.inputs[0], shape)
  made = reshape.make_as(op, builder, op.operator.outputs[0], reductions.shape_of(op))
  over = reductions.over(op)
  builder.add(
    op,
    StageOp(
      kind=_KINDS[op.operator.opcode],
      inputs=(source,),
      outputs=(made.map,),
      steps=shape[0],
      reads=(rows.same_row(shape[0], shape[0]),),
      params=ReduceParams(int(over.rows), int(over.cols), int(over.channels)),
      accumulates=over.rows,
      scratch_bytes=builder.map(made.map).row_bytes if over.rows else 0,
    ),
  )
  made.finish()
