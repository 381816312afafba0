# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SVDF."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.quantize import scale_of, zero_point_of
from tflm_patch.graph.types import DType, Tensor
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, macs, recurrent, rowwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import SvdfParams

FEATURE, TIME, BIAS, STATE = 1, 2, 3, 4


def constraint_shapes(op: OpView) -> str | None:
  """Input [1, n], feature weights [units * rank, n], time weights [units * rank, memory], output
  [1, units]; the state has as many values as the time weights
  """
  if not all(op.has_input(i) for i in (FEATURE, TIME, STATE)):
    return f'inputs {list(op.operator.inputs)}'
  source, made, rank = op.input().shape, op.output().shape, int(op.option('rank', 1))
  feature, time, state = (op.input(i).shape for i in (FEATURE, TIME, STATE))
  fits = len(source) == len(made) == len(feature) == len(time) == 2 and rank > 0
  if fits:
    fits = source[0] == made[0] == 1 and feature == (made[1] * rank, source[1])
    fits = fits and time[0] == feature[0] and state == (1, time[0] * time[1])
  return None if fits else f'{[list(each) for each in (source, feature, time, state, made)]}'


def constraint_weights(op: OpView) -> str | None:
  """Weights are constant with one scale and zero point 0: feature weights int8, time weights of the
  state's type; the bias is constant int32
  """
  state = op.input(STATE).dtype
  for i, dtype in ((FEATURE, DType.INT8), (TIME, state)):
    violation = recurrent.weights_violation(op.input(i), op.input(i).shape, dtype)
    if violation is not None:
      return violation
  if not op.has_input(BIAS):
    return 'no bias'
  bias = op.input(BIAS)
  is_bias = bias.is_constant and bias.dtype == DType.INT32
  return None if is_bias and bias.shape == op.output().shape[1:] else f'"{bias.name}"'


def constraint_bias_scale(op: OpView) -> str | None:
  """The bias's scale is that of the state times that of the time weights, but for 1e-5"""
  bias = op.input(BIAS).quantization
  first, second = (np.float32(scale_of(op.input(i))) for i in (STATE, TIME))
  difference = abs((0.0 if bias is None else bias.scale) - float(first * second))
  return None if difference < 1e-5 else f'{difference:g}'


def constraint_state(op: OpView) -> str | None:
  """The state is int8, or int16 with zero point 0, and has one scale"""
  state = op.input(STATE)
  fits = base.quantized_int8(state) or base.quantized_int16(state)
  return None if fits else f'"{state.name}" is {state.dtype.name}'


def constraint_scales(op: OpView) -> str | None:
  """The products of scales over the scale that they come to are below 2^30"""
  largest = max(_state_scale(op), _output_scale(op))
  return None if largest < 2.0**30 else f'{largest:g}'


def _ratio(a: Tensor, b: Tensor, target: Tensor) -> float:
  """PrepareSvdf multiplies and divides in double."""
  return scale_of(a) * scale_of(b) / scale_of(target)


def _state_scale(op: OpView) -> float:
  return _ratio(op.input(), op.input(FEATURE), op.input(STATE))


def _output_scale(op: OpView) -> float:
  return _ratio(op.input(STATE), op.input(TIME), op.output())


@base.register(
  'SVDF',
  base.constraint_input_is_activation,
  base.constraint_int8_activations,
  base.constraint_own_state,
  constraint_shapes,
  constraint_state,
  constraint_weights,
  constraint_bias_scale,
  constraint_scales,
  reads=cells.whole,
  macs=macs.svdf,
  state=(STATE,),
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of int8 with a state of int8 or int16, which stays in the stage; TFLM leaves out activations"""
  rank, made = int(op.option('rank', 1)), op.output()
  feature, time = op.input(FEATURE).array(), op.input(TIME).array()
  state_multiplier, state_shift = quantize.quantize_multiplier(_state_scale(op))
  multiplier, shift = quantize.quantize_multiplier(_output_scale(op))
  zeros = np.zeros(feature.shape[0], np.int32)
  of_unit = time.reshape(made.shape[1], -1)
  params = SvdfParams(
    weights=feature,
    feature_bias=recurrent.folded(zeros, feature, zero_point_of(op.input())),
    time_weights=time,
    bias=recurrent.folded(op.input(BIAS).array(), of_unit, zero_point_of(op.input(STATE))),
    state_multiplier=state_multiplier,
    output_multiplier=multiplier,
    memory=time.shape[1],
    rank=rank,
    state_shift=state_shift,
    output_shift=shift,
    output_zero_point=zero_point_of(made),
  )
  rowwise.append(op, builder, program.Kind.SVDF, params, is_in_place=False, states=(STATE,))
