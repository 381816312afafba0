# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""L2_NORMALIZATION."""

from __future__ import annotations

from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, rowwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program

MAX_CHANNELS = 8256  # of more, the sum of squares may reach 2^29


def constraint_channels(op: OpView) -> str | None:
  """There are at most 8,256 channels, and no activation is fused"""
  channels, activation = op.input().shape[-1:], op.option('fusedActivationFunction')
  if not channels or channels[0] > MAX_CHANNELS or activation:
    return f'{list(channels)} channels, activation {activation}'
  return None


@base.register(
  'L2_NORMALIZATION',
  base.constraint_input_is_activation,
  base.constraint_int8_activations,
  base.constraint_same_shape,
  constraint_channels,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Over channels"""
  rowwise.append(op, builder, program.Kind.L2_NORMALIZATION)
