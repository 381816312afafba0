# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""LOG_SOFTMAX."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, rowwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.planner.lowering.operators.softmax_table import difference_scale, exp_table
from tflm_patch.program import records as program
from tflm_patch.program.params import LogSoftmaxParams

_MAX_CHANNELS = (1 << 12) - 1  # of more, a sum of exponentials may leave Q12.19


def constraint_output_quantization(op: OpView) -> str | None:
  """The output has scale 1/16 and zero point 127"""
  out = op.output().quantization
  if out is None or (out.scale, out.zero_point) != (1 / 16, 127):
    return 'other quantization' if out is None else f'{out.scale:g}/{out.zero_point}'
  return None


def constraint_scale(op: OpView) -> str | None:
  """The input scale is above 2^-25 and below 16"""
  scale = quantize.scale_of(op.input())
  return None if 2.0**-25 < scale < 16 else f'{scale:g}'


def constraint_channels(op: OpView) -> str | None:
  """There are at most 4,095 channels"""
  shape = op.input().shape
  return None if shape and shape[-1] <= _MAX_CHANNELS else f'{list(shape)}'


def _parameters(input_scale: float) -> LogSoftmaxParams:
  """PreprocessLogSoftmaxScalingExp and CalculateInputRadius of TFLM's quantization_util.cc."""
  table, diff_min = exp_table(1.0, input_scale)
  multiplier, shift = difference_scale(1.0, input_scale)
  inverse, inverse_shift = quantize.quantize_multiplier((1 << (31 - shift)) / multiplier)
  return LogSoftmaxParams(
    exp_table=table,
    diff_min=diff_min,
    multiplier=multiplier,
    shift=shift,
    inverse_multiplier=inverse,
    inverse_shift=inverse_shift,
  )


@base.register(
  'LOG_SOFTMAX',
  base.constraint_input_is_activation,
  base.constraint_int8_activations,
  base.constraint_same_shape,
  constraint_output_quantization,
  constraint_scale,
  constraint_channels,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Over channels, by a table of exponentials"""
  params = _parameters(quantize.scale_of(op.input()))
  rowwise.append(op, builder, program.Kind.LOG_SOFTMAX, params)
