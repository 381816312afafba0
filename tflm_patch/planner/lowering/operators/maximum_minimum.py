# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MAXIMUM and MINIMUM."""

from __future__ import annotations

from tflm_patch.graph.types import DType
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, elementwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program

_RULES = elementwise.constraint_two_integer_inputs, elementwise.constraint_broadcast
_MAXIMUM = {DType.INT8: program.Kind.MAXIMUM, DType.INT16: program.Kind.MAXIMUM_S16}
_MINIMUM = {DType.INT8: program.Kind.MINIMUM, DType.INT16: program.Kind.MINIMUM_S16}


@base.register('MAXIMUM', *_RULES, reads=cells.pointwise)
def lower_maximum(op: OpView, builder: StageBuilder) -> None:
  """Of two maps, or of a map and a broadcast map or constant"""
  elementwise.lower(op, builder, _MAXIMUM[op.output().dtype])


@base.register('MINIMUM', *_RULES, reads=cells.pointwise)
def lower_minimum(op: OpView, builder: StageBuilder) -> None:
  """Of two maps, or of a map and a broadcast map or constant"""
  elementwise.lower(op, builder, _MINIMUM[op.output().dtype])
