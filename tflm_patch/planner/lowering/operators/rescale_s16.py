# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Elementwise operators of one int16 input that scale its values: RESCALE."""

from __future__ import annotations

from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import rowwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program.params import RescaleParams
from tflm_patch.program.records import Kind

INT16_MIN, INT16_MAX = -(1 << 15), (1 << 15) - 1
SAME = (1 << 30, 1)  # the multiplier and shift that leave every int16 value as it is

Scale = tuple[int, int]


def lower(
  op: OpView,
  builder: StageBuilder,
  above: Scale,
  below: Scale | None = None,
  clamp: tuple[int, int] = (INT16_MIN, INT16_MAX),
  magnitude: bool = False,
) -> None:
  """Appends a RESCALE.

  Args:
    op: The operator.
    builder: Of the stage.
    above: Multiplier and shift of values from 0 on.
    below: Of those below 0; None for the same.
    clamp: Of the results.
    magnitude: Values below 0 are made positive first.
  """
  scales = above, above if below is None else below
  params = RescaleParams(
    multiplier=(scales[0][0], scales[1][0]),
    shift=(scales[0][1], scales[1][1]),
    act_min=clamp[0],
    act_max=clamp[1],
    magnitude=int(magnitude),
  )
  rowwise.append(op, builder, Kind.RESCALE_S16, params)
