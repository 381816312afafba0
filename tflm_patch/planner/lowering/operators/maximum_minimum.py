# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MAXIMUM and MINIMUM."""

from __future__ import annotations

from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, elementwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program

_RULES = elementwise.constraint_two_int8_inputs, elementwise.constraint_broadcast


@base.register('MAXIMUM', *_RULES, reads=cells.pointwise)
def lower_maximum(op: OpView, builder: StageBuilder) -> None:
  """Of two maps, or of a map and a broadcast map or constant"""
  elementwise.lower(op, builder, program.Kind.MAXIMUM)


@base.register('MINIMUM', *_RULES, reads=cells.pointwise)
def lower_minimum(op: OpView, builder: StageBuilder) -> None:
  """Of two maps, or of a map and a broadcast map or constant"""
  elementwise.lower(op, builder, program.Kind.MINIMUM)
