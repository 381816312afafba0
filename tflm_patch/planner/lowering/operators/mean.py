# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN and SUM."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, reductions, reshape
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import MeanParams

_KINDS = {DType.INT8: program.Kind.MEAN, DType.INT16: program.Kind.MEAN_S16}
MAX_COUNT = 1 << 23  # values whose sum, less their zero points, is in int32


def _count(op: OpView) -> int:
  """Values in a mean or a sum."""
  shape = feature_shape(op.input())
  assert shape is not None
  count = 1
  for gone, size in zip(reductions.over(op), shape):
    count *= size if gone else 1
  return count


def constraint_count(op: OpView) -> str | None:
  """At most 2^23 values go into one"""
  return None if _count(op) <= MAX_COUNT else str(_count(op))


def constraint_int16(op: OpView) -> str | None:
  """A mean or sum of int16 values is over rows and columns, of at most 65,536, whose sum is in 32
  bits
  """
  if op.input().dtype != DType.INT16:
    return None
  if reductions.over(op).channels:
    return 'over channels'
  return None if _count(op) <= 1 << 16 else str(_count(op))


def mean_multiplier(input_scale: float, output_scale: float, count: int) -> tuple[int, int]:
  """QuantizedMeanOrSum of TFLM's reduce.h: 1 / count goes into the multiplier."""
  multiplier, output_shift = quantize.quantize_multiplier(input_scale / output_scale)
  shift = min(count.bit_length() - 1, 32, 31 + output_shift)
  return (multiplier << shift) // count, output_shift - shift


_RULES = (
  base.constraint_input_is_activation,
  base.constraint_multiplier,
  reductions.constraint_axes,
  reductions.constraint_reduced_shape,
  constraint_count,
)


@base.register(
  'MEAN', base.constraint_integer_activations, *_RULES, constraint_int16, reads=cells.whole
)
@base.register(
  'SUM', base.constraint_integer_activations, *_RULES, constraint_int16, reads=cells.whole
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Over rows, columns or channels; rows are summed up one by one, no map is kept"""
  shape = feature_shape(op.input())
  assert shape is not None
  source = reshape.read_as(op, builder, op.operator.inputs[0], shape)
  made = reshape.make_as(op, builder, op.operator.outputs[0], reductions.shape_of(op))
  output_map, over = builder.map(made.map), reductions.over(op)
  first, out = op.input().quantization, op.output().quantization
  assert first is not None and out is not None
  if op.operator.opcode == 'SUM':
    multiplier, shift = quantize.quantize_multiplier(first.scale / out.scale)
  else:
    multiplier, shift = mean_multiplier(first.scale, out.scale, _count(op))

  params = MeanParams(
    multiplier=multiplier,
    shift=shift,
    output_zero_point=out.zero_point,
    over_rows=int(over.rows),
    over_cols=int(over.cols),
    over_channels=int(over.channels),
  )

  builder.add(
    op,
    StageOp(
      kind=_KINDS[op.input().dtype],
      inputs=(source,),
      outputs=(made.map,),
      steps=shape[0],
      reads=(rows.same_row(shape[0], shape[0]),),
      params=params,
      accumulates=over.rows,
      scratch_bytes=4 * output_map.cols * output_map.channels if over.rows else 0,
    ),
  )
  made.finish()
