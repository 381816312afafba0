# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION along channels."""

from __future__ import annotations

from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program

MAX_INPUTS = 255


def constraint_along_channels(op: OpView) -> str | None:
  """The axis is the last one and no activation is fused"""
  rank = max(len(op.output().shape), 1)
  axis = int(op.option('axis'))
  activation = op.option('fusedActivationFunction')
  if axis % rank != rank - 1 or activation or len(op.operator.inputs) > MAX_INPUTS:
    return f'axis {axis}, activation {activation}, {len(op.operator.inputs)} inputs'
  return None


_TYPES = (DType.INT8, DType.INT16)


@base.of_types(DType.INT8, DType.INT16)
def constraint_equal_inputs(op: OpView) -> str | None:
  """All inputs are computed maps of the output's rows, columns and quantization, int8 or int16"""
  target, out = feature_shape(op.output()), op.output().quantization
  for i in range(len(op.operator.inputs)):
    tensor = op.input(i)
    shape, quantization = feature_shape(tensor), tensor.quantization
    if tensor.is_constant or tensor.dtype not in _TYPES or tensor.dtype != op.output().dtype:
      return f'"{tensor.name}" is {tensor.dtype.name}'
    if shape is None or target is None or shape[:2] != target[:2]:
      return f'"{tensor.name}" is {list(tensor.shape)}'
    if quantization is None or out is None or len(tensor.shape) != len(op.output().shape):
      return f'"{tensor.name}" has rank {len(tensor.shape)}'
    if quantization.scale != out.scale or quantization.zero_point != out.zero_point:
      return f'"{tensor.name}" has another scale'
  channels = [op.input(i).shape[-1] for i in range(len(op.operator.inputs))]
  if sum(channels) != op.output().shape[-1]:
    return f'channels {channels} to {op.output().shape[-1]}'
  return None


@base.register(
  'CONCATENATION', constraint_along_channels, constraint_equal_inputs, reads=cells.pointwise
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Along channels, of maps of equal quantization"""
  sources = [builder.read(i) for i in op.operator.inputs]
  target = builder.make(op.operator.outputs[0])
  count = builder.map(target).rows
  builder.add(
    op,
    StageOp(
      kind=program.Kind.CONCATENATION,
      inputs=tuple(sources),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=tuple([rows.same_row(count, builder.map(s).rows) for s in sources]),
    ),
  )
