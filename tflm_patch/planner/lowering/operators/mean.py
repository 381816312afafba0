# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN over rows, columns or both."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import MeanParams

_KINDS = {DType.INT8: program.Kind.MEAN, DType.INT16: program.Kind.MEAN_S16}


def _axes(op: OpView) -> tuple[int, ...] | None:
  values = op.integers(1)
  if values is None:
    return None
  rank = len(op.input().shape)
  return tuple(sorted({value + rank if value < 0 else value for value in values}))


def constraint_axes(op: OpView) -> str | None:
  """The input has rank 4 and the constant axes are rows, columns or both"""
  axes = _axes(op)
  if len(op.input().shape) != 4 or axes not in ((1,), (2,), (1, 2)):
    return f'axes {axes} of rank {len(op.input().shape)}'
  return None


def constraint_vector_or_kept_dims(op: OpView) -> str | None:
  """Reduced dimensions are kept, unless both are reduced"""
  rows_in, cols_in, channels = feature_shape(op.input()) or (0, 0, 0)
  axes = _axes(op) or ()
  wanted = (1 if 1 in axes else rows_in, 1 if 2 in axes else cols_in, channels)
  if feature_shape(op.output()) != wanted:
    return f'output {list(op.output().shape)}'
  return None


def constraint_int16_count(op: OpView) -> str | None:
  """A mean of int16 values is of at most 65,536, whose sum is in 32 bits"""
  if op.input().dtype != DType.INT16:
    return None
  count = op.input().elements // max(1, op.output().elements)
  return None if count <= 1 << 16 else f'{count}'


def mean_multiplier(input_scale: float, output_scale: float, count: int) -> tuple[int, int]:
  """QuantizedMeanOrSum of TFLM's reduce.h: 1 / count goes into the multiplier."""
  multiplier, output_shift = quantize.quantize_multiplier(input_scale / output_scale)
  shift = min(count.bit_length() - 1, 32, 31 + output_shift)
  return (multiplier << shift) // count, output_shift - shift


@base.register(
  'MEAN',
  base.constraint_input_is_activation,
  base.constraint_integer_activations,
  base.constraint_multiplier,
  constraint_axes,
  constraint_vector_or_kept_dims,
  constraint_int16_count,
  reads=cells.whole,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Over rows, columns or both; rows are summed up one by one, no map is kept"""
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  input_map, output_map = builder.map(source), builder.map(target)
  axes = _axes(op) or ()
  over_rows, over_cols = 1 in axes, 2 in axes
  count = (input_map.rows if over_rows else 1) * (input_map.cols if over_cols else 1)
  first, out = op.input().quantization, op.output().quantization
  assert first is not None and out is not None
  multiplier, shift = mean_multiplier(first.scale, out.scale, count)

  params = MeanParams(
    multiplier=multiplier,
    shift=shift,
    output_zero_point=out.zero_point,
    over_rows=int(over_rows),
    over_cols=int(over_cols),
  )

  builder.add(
    op,
    StageOp(
      kind=_KINDS[op.input().dtype],
      inputs=(source,),
      outputs=(target,),
      steps=input_map.rows,
      reads=(rows.same_row(input_map.rows, input_map.rows),),
      params=params,
      accumulates=over_rows,
      scratch_bytes=4 * output_map.cols * output_map.channels if over_rows else 0,
    ),
  )
