# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CAST."""

from __future__ import annotations

from tflm_patch.graph.types import DType
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, rowwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program

_FROM = (DType.INT8, DType.INT16, DType.INT32)
_TO = (*_FROM, DType.FLOAT32)


@base.of_types(DType.INT8, DType.INT16, DType.INT32)
def constraint_types(op: OpView) -> str | None:
  """From int8, int16 or int32 to one of them or to float32"""
  source, target = op.input().dtype, op.output().dtype
  return None if source in _FROM and target in _TO else f'{source.name} to {target.name}'


@base.register(
  'CAST',
  base.constraint_input_is_activation,
  base.constraint_same_shape,
  constraint_types,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of the quantized values; those that do not fit are cut to their low bits, as in TFLM"""
  rowwise.append(op, builder, program.Kind.CAST, is_in_place=False)
