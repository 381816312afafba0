# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Rules and row reads of operators with two broadcast inputs."""

from __future__ import annotations

from tflm_patch.planner import rows
from tflm_patch.planner.builder import StageBuilder
from tflm_patch.planner.operators import base
from tflm_patch.planner.operators.base import OpView
from tflm_patch.planner.shapes import feature_shape
from tflm_patch.planner.stage_ir import InPlace, RowReads


def constraint_two_int8_inputs(op: OpView) -> str | None:
  """Both inputs and the output are int8 with one scale and zero point"""
  if not op.has_input(1):
    return 'one input'
  for tensor in (op.input(0), op.input(1), op.output()):
    if not base._quantized_int8(tensor):
      return f'"{tensor.name}" is {tensor.dtype.name}'
    if tensor.is_constant and (tensor.data is None or tensor.data.size != tensor.elements):
      return f'"{tensor.name}" is stored compressed'
  if op.input(0).is_constant and op.input(1).is_constant:
    return 'both inputs are constants'
  return None


def constraint_broadcast(op: OpView) -> str | None:
  """Each dimension of the inputs equals the output's or is 1, at equal rank or as a vector"""
  target = feature_shape(op.output())
  for i in (0, 1):
    tensor = op.input(i)
    shape = feature_shape(tensor)
    same_rank = len(tensor.shape) == len(op.output().shape) or len(tensor.shape) < 2
    if shape is None or target is None or not same_rank:
      return f'{list(tensor.shape)} to {list(op.output().shape)}'
    if any(size not in (1, wanted) for size, wanted in zip(shape, target)):
      return f'{list(tensor.shape)} to {list(op.output().shape)}'
  return None


def in_place(builder: StageBuilder, sources: list[int], target: int) -> list[InPlace]:
  """Inputs of the output's shape: value by value, the output may replace them."""
  out = builder.map(target)
  shape = (out.rows, out.cols, out.channels)
  return [
      InPlace(k)
      for k, source in enumerate(map(builder.map, sources))
      if (source.rows, source.cols, source.channels) == shape
  ]


def operands(op: OpView, builder: StageBuilder) -> tuple[list[int], int, list[RowReads]]:
  """Input maps, output map and row reads."""
  sources = [builder.read(op.operator.inputs[i]) for i in (0, 1)]
  target = builder.make(op.operator.outputs[0])
  steps = builder.map(target).rows
  return sources, target, [rows.same_row(steps, builder.map(s).rows) for s in sources]
