# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CUMSUM."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import map_axes
from tflm_patch.planner.ir.stage_graph import InPlace, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import CumsumParams

_ROWS = 0  # number of the axis
_INTEGER_SHIFT = 20  # kCumSumIntegerShift


def _axis(op: OpView) -> int | None:
  """The map's axis, None for another one."""
  axes, rank = op.integers(1), len(op.input().shape)
  if axes is None or len(axes) != 1 or not -rank <= axes[0] < rank:
    return None
  known = map_axes(rank)
  return known.index(axes[0] % rank) if axes[0] % rank in known else None


def constraint_axis(op: OpView) -> str | None:
  """The axis is constant, that of rows, columns or channels, and rows are not summed in reverse"""
  axis = _axis(op)
  if axis is None:
    return f'axis {op.integers(1)}'
  return 'reverse along rows' if axis == _ROWS and op.option('reverse', False) else None


def _output_scale(op: OpView) -> float:
  """What brings a sum, in units of half the input's scale, to the output's."""
  twice = 2 * quantize.scale_of(op.input())
  return twice / ((1 << _INTEGER_SHIFT) * quantize.scale_of(op.output()))


def constraint_scales(op: OpView) -> str | None:
  """The input scale is less than 2^19 times the output scale"""
  scale = _output_scale(op)
  return None if 0 < scale < 1 and quantize.quantize_multiplier(scale)[1] <= 0 else f'{scale:g}'


@base.register(
  'CUMSUM',
  base.constraint_input_is_activation,
  base.constraint_int8_activations,
  base.constraint_same_shape,
  constraint_axis,
  constraint_scales,
  reads=cells.whole,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Along rows, columns or channels; along rows a row of sums is kept"""
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  made, axis = builder.map(target), _axis(op)
  assert axis is not None
  multiplier, shift = quantize.quantize_multiplier(_output_scale(op))
  params = CumsumParams(
    output_multiplier=multiplier,
    output_shift=shift,
    output_zero_point=quantize.zero_point_of(op.output()),
    axis=axis,
    exclusive=int(bool(op.option('exclusive', False))),
    reverse=int(bool(op.option('reverse', False))),
  )
  width = (made.cols * made.channels, made.channels, 1)[axis]
  builder.add(
    op,
    StageOp(
      kind=program.Kind.CUMSUM,
      inputs=(source,),
      outputs=(target,),
      steps=made.rows,
      reads=(rows.same_row(made.rows, made.rows),),
      params=params,
      scratch_bytes=4 * width,
      keeps_scratch=axis == _ROWS,
      in_place=(InPlace(0),),
    ),
  )
