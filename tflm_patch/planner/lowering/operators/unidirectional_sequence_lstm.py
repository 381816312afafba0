# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""UNIDIRECTIONAL_SEQUENCE_LSTM."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.quantize import scale_of, zero_point_of
from tflm_patch.graph.types import DType
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, macs, recurrent, rowwise, sigmoid_s16
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import LstmParams

# Positions of inputs; weights and biases are of the input, forget, cell and output gates.
INPUT_WEIGHTS, RECURRENT_WEIGHTS, BIASES = range(1, 5), range(5, 9), range(12, 16)
ABSENT = (9, 10, 11, 16, 17, 20, 21, 22, 23)  # peepholes, projection, layer normalization
HIDDEN, CELL = 18, 19
_INPUTS = 24
_TANH = 4  # ActivationFunctionType
_GATE_SCALE = 2.0**-12  # of what the gates' functions read: Q3.12
_UNIT_SCALE = 2.0**-15  # of what they make: Q0.15
_NO_CLIP = 1 << 15
_LEAST_CELL_POWER = -27  # below it the cell gate would be shifted to the left


def constraint_standard(op: OpView) -> str | None:
  """The standard cell with tanh: all gates with biases; no peepholes, no projection, no layer
  normalization; steps one after the other in the second dimension
  """
  operator = op.operator
  if len(operator.inputs) != _INPUTS:
    return f'{len(operator.inputs)} inputs'
  extra = [i for i in ABSENT if op.has_input(i)]
  if extra:
    return f'inputs {extra}'
  missing = [i for i in (*INPUT_WEIGHTS, *RECURRENT_WEIGHTS, *BIASES) if not op.has_input(i)]
  if missing:
    return f'inputs {missing} are missing'
  if op.option('fusedActivationFunction') != _TANH:
    return f'activation {op.option("fusedActivationFunction")}'
  if op.option('timeMajor', False):
    return 'time_major'
  return None


def constraint_shapes(op: OpView) -> str | None:
  """Input [1, steps, n], output [1, steps, units], weights [units, n] and [units, units], biases
  and states of as many values as units
  """
  source, made = op.input().shape, op.output().shape
  if len(source) != 3 or len(made) != 3 or source[:2] != made[:2]:
    return f'{list(source)} to {list(made)}'
  units = made[2]
  for i in (HIDDEN, CELL):
    if op.input(i).shape != (1, units):
      return f'"{op.input(i).name}" is {list(op.input(i).shape)}'
  for i in BIASES:
    if op.input(i).shape != (units,):
      return f'"{op.input(i).name}" is {list(op.input(i).shape)}'
  return None


def constraint_weights(op: OpView) -> str | None:
  """Weights are constant int8 with one scale and zero point 0, biases constant int32"""
  units = op.output().shape[2]
  for positions, size in ((INPUT_WEIGHTS, op.input().shape[2]), (RECURRENT_WEIGHTS, units)):
    for i in positions:
      violation = recurrent.weights_violation(op.input(i), (units, size), DType.INT8)
      if violation is not None:
        return violation
  for i in BIASES:
    if not op.input(i).is_constant or op.input(i).dtype != DType.INT32:
      return f'"{op.input(i).name}" is {op.input(i).dtype.name}'
  return None


def constraint_states(op: OpView) -> str | None:
  """The hidden state is int8 with one scale, the cell state int16 whose scale is a power of two of
  2^-27 to 1
  """
  hidden, cell = op.input(HIDDEN), op.input(CELL)
  if not base.quantized_int8(hidden):
    return f'"{hidden.name}" is {hidden.dtype.name}'
  if not base.quantized_int16(cell):
    return f'"{cell.name}" is {cell.dtype.name}'
  power, is_power = sigmoid_s16.power_of_two(scale_of(cell))
  fits = is_power and scale_of(cell) == 2.0**power and _LEAST_CELL_POWER <= power <= 0
  return None if fits else f'scale {scale_of(cell):g}'


def constraint_scales(op: OpView) -> str | None:
  """Products of scales over the scale that they come to are below 2^30"""
  reals = [_gate_scale(op, 0, i) for i in INPUT_WEIGHTS]
  reals += [_gate_scale(op, HIDDEN, i) for i in RECURRENT_WEIGHTS]
  return None if max(*reals, _hidden_scale(op)) < 2.0**30 else f'{max(*reals, _hidden_scale(op)):g}'


def _gate_scale(op: OpView, source: int, weights: int) -> float:
  """CreateGateParams."""
  scales = scale_of(op.input(source)), scale_of(op.input(weights))
  return scales[0] * scales[1] / _GATE_SCALE


def _hidden_scale(op: OpView) -> float:
  """CreateInterGateMulParams of the output gate and the cell state's tanh."""
  return _UNIT_SCALE * _UNIT_SCALE / scale_of(op.input(HIDDEN))


def _clip(op: OpView) -> int:
  """CreateLstmCellStateInfo."""
  clip = float(np.float32(op.option('cellClip', 0.0)))
  if not clip > 0:
    return _NO_CLIP
  return int(min(clip / scale_of(op.input(CELL)), 32767.0))


def _tanh_of_cell(power: int) -> tuple[int, int]:
  """Multiplier and shift to the right, as Tanh of lstm_eval.cc has them of a cell state."""
  left = power + 12
  return (3 << left, 0) if left >= 0 else (3, -left)


@base.register(
  'UNIDIRECTIONAL_SEQUENCE_LSTM',
  base.constraint_input_is_activation,
  base.constraint_int8_activations,
  constraint_standard,
  base.constraint_own_state,
  constraint_shapes,
  constraint_weights,
  constraint_states,
  constraint_scales,
  reads=cells.whole,
  macs=macs.lstm,
  state=(HIDDEN, CELL),
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of int8 with a cell state of int16, step by step; the states stay in the stage"""

  def arrays(positions: range) -> np.ndarray:
    return np.stack([op.input(i).array() for i in positions])

  by_input, by_hidden, biases = map(arrays, (INPUT_WEIGHTS, RECURRENT_WEIGHTS, BIASES))
  hidden, cell = op.input(HIDDEN), op.input(CELL)
  power, _ = sigmoid_s16.power_of_two(scale_of(cell))
  of_input = [quantize.quantize_multiplier(_gate_scale(op, 0, i)) for i in INPUT_WEIGHTS]
  of_hidden = [quantize.quantize_multiplier(_gate_scale(op, HIDDEN, i)) for i in RECURRENT_WEIGHTS]
  multiplier, shift = quantize.quantize_multiplier(_hidden_scale(op))
  _, cell_shift = quantize.quantize_multiplier(_UNIT_SCALE * _UNIT_SCALE / 2.0**power)
  tanh_multiplier, tanh_shift = _tanh_of_cell(power)
  params = LstmParams(
    input_weights=by_input,
    recurrent_weights=by_hidden,
    input_bias=recurrent.folded(biases, by_input, zero_point_of(op.input())),
    recurrent_bias=recurrent.folded(np.zeros_like(biases), by_hidden, zero_point_of(hidden)),
    table=sigmoid_s16.table(),
    input_multiplier=tuple(scale[0] for scale in of_input),
    recurrent_multiplier=tuple(scale[0] for scale in of_hidden),
    hidden_multiplier=multiplier,
    tanh_multiplier=tanh_multiplier,
    cell_clip=_clip(op),
    input_shift=tuple(scale[1] for scale in of_input),
    recurrent_shift=tuple(scale[1] for scale in of_hidden),
    hidden_shift=shift,
    cell_shift=cell_shift,
    hidden_zero_point=zero_point_of(hidden),
    tanh_shift=tanh_shift,
  )
  rowwise.append(op, builder, program.Kind.LSTM, params, is_in_place=False, states=(HIDDEN, CELL))
