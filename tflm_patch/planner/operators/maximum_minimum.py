# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MAXIMUM and MINIMUM."""

from __future__ import annotations

from tflm_patch.planner import program
from tflm_patch.planner.builder import StageBuilder
from tflm_patch.planner.operators import base, elementwise
from tflm_patch.planner.operators.base import OpView

_RULES = elementwise.constraint_two_int8_inputs, elementwise.constraint_broadcast


@base.register('MAXIMUM', *_RULES)
def lower_maximum(op: OpView, builder: StageBuilder) -> None:
  """Of two maps, or of a map and a broadcast map or constant"""
  _lower(op, builder, program.Kind.MAXIMUM)


@base.register('MINIMUM', *_RULES)
def lower_minimum(op: OpView, builder: StageBuilder) -> None:
  """Of two maps, or of a map and a broadcast map or constant"""
  _lower(op, builder, program.Kind.MINIMUM)


def _lower(op: OpView, builder: StageBuilder, kind: program.Kind) -> None:
  sources, target, reads = elementwise.operands(op, builder)
  builder.add(
      op,
      kind,
      sources,
      [target],
      reads,
      lambda pool: b'',
      in_place=elementwise.in_place(builder, sources, target),
      cellwise=True,
  )
