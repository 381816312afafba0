# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX."""

from __future__ import annotations

from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.planner.lowering.operators.softmax_table import exp_table
from tflm_patch.program import records as program
from tflm_patch.program.params import SoftmaxParams


def constraint_output_quantization(op: OpView) -> str | None:
  """The output has scale 1/256 and zero point -128"""
  out = op.output().quantization
  if out is None or out.scale != 1 / 256 or out.zero_point != -128:
    return 'other quantization' if out is None else f'{out.scale:g}/{out.zero_point}'
  return None


def constraint_beta(op: OpView) -> str | None:
  """beta times the input scale is a number above 2^-26"""
  quantization = op.input().quantization
  product = float(op.option('beta', 1.0)) * (0.0 if quantization is None else quantization.scale)
  return None if 2.0**-26 < product < 2.0**31 else f'{product:g}'


@base.register(
  'SOFTMAX',
  base.constraint_input_is_activation,
  base.constraint_int8_activations,
  base.constraint_same_shape,
  constraint_output_quantization,
  constraint_beta,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Over channels, by a table of exponentials"""
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  count = builder.map(target).rows
  quantization = op.input().quantization
  assert quantization is not None
  table, diff_min = exp_table(float(op.option('beta', 1.0)), quantization.scale)
  builder.add(
    op,
    StageOp(
      kind=program.Kind.SOFTMAX,
      inputs=(source,),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=(rows.same_row(count, count),),
      params=SoftmaxParams(table, diff_min),
    ),
  )
