# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import RowReads, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, conv, windows
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import PoolParams

_RULES = (
  base.constraint_input_is_activation,
  base.constraint_integer_activations,
  conv.constraint_rank_4,
  base.constraint_same_channels,
  base.constraint_same_quantization,
  base.constraint_fused_activation,
  base.constraint_clamp,
  windows.constraint_window,
)


_AVERAGES = {
  DType.INT8: program.Kind.AVERAGE_POOL_2D,
  DType.INT16: program.Kind.AVERAGE_POOL_2D_S16,
}
_MAXIMA = {DType.INT8: program.Kind.MAX_POOL_2D, DType.INT16: program.Kind.MAX_POOL_2D_S16}


def _lower(op: OpView, builder: StageBuilder, kinds: dict[DType, program.Kind]) -> None:
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  input_map, output_map = builder.map(source), builder.map(target)
  window = windows.window_of(op, windows.kernel_of(op))
  clamp = conv.clamp_of(op)
  reads = rows.window_reads(output_map.rows, input_map.rows, window[0])
  # A pool with one output row takes its input in row by row.
  accumulate = op.operator.opcode == 'AVERAGE_POOL_2D' and output_map.rows == 1
  first_row = int(reads.first[0])
  steps = output_map.rows
  if accumulate:
    steps = int(reads.last[0]) - first_row + 1
    taken = rows.same_row(steps, input_map.rows)
    reads = RowReads(taken.first + first_row, taken.last + first_row)

  params = PoolParams(
    window=windows.window_record(window),
    act_min=clamp[0],
    act_max=clamp[1],
    accumulate=int(accumulate),
    first_row=first_row if accumulate else 0,
  )

  builder.add(
    op,
    StageOp(
      kind=kinds[input_map.dtype],
      inputs=(source,),
      outputs=(target,),
      steps=steps,
      reads=(reads,),
      params=params,
      accumulates=accumulate,
      scratch_bytes=4 * output_map.cols * output_map.channels if accumulate else 0,
    ),
  )


@base.register('AVERAGE_POOL_2D', *_RULES, reads=cells.sliding)
def lower_average(op: OpView, builder: StageBuilder) -> None:
  """Any window; with one output row it is summed up row by row"""
  _lower(op, builder, _AVERAGES)


@base.register('MAX_POOL_2D', *_RULES, reads=cells.sliding)
def lower_max(op: OpView, builder: StageBuilder) -> None:
  """Any window"""
  _lower(op, builder, _MAXIMA)
