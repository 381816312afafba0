# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Parameters of recurrent operators."""

from __future__ import annotations

import dataclasses

from tflm_patch.program.fields import Array, array_of, constant, i8, i16, i32, structure, u8, u16
from tflm_patch.program.params.base import Params


@structure('tflm_patch_lstm_params')
@dataclasses.dataclass(frozen=True, eq=False)
class LstmParams(Params):
  """LSTM. Arrays of four are of the input, forget, cell and output gates.

  Products with the input, and those with the hidden state, come to Q3.12 each with their gate's
  multiplier and shift. Biases hold -zero_point * sum(weights) of what they are added to.
  """

  input_weights: Array | None = constant('input_weights_at', 'i1', 'int8[4][units][inputs]', 16)
  recurrent_weights: Array | None = constant(
    'recurrent_weights_at', 'i1', 'int8[4][units][units]', 16
  )
  input_bias: Array | None = constant('input_bias_at', '<i4', 'int32[4][units]')
  recurrent_bias: Array | None = constant('recurrent_bias_at', '<i4', 'int32[4][units]')
  table: Array | None = constant('table_at', '<u2', 'see tflm_patch_sigmoid_params')
  input_multiplier: tuple[int, ...] = array_of('i', 4)
  recurrent_multiplier: tuple[int, ...] = array_of('i', 4)
  hidden_multiplier: int = i32('of tanh(cell) times the output gate, both Q0.15')
  tanh_multiplier: int = i32('of the cell state; see tflm_patch_sigmoid_params')
  cell_clip: int = i32('of the cell state, either way; 32768 for none')
  input_shift: tuple[int, ...] = array_of('b', 4)
  recurrent_shift: tuple[int, ...] = array_of('b', 4)
  hidden_shift: int = i8()
  cell_shift: int = i8('of the cell gate times the input gate, with the multiplier 2^30')
  hidden_zero_point: int = i8()
  tanh_shift: int = u8('to the right')


@structure('tflm_patch_svdf_params')
@dataclasses.dataclass(frozen=True, eq=False)
class SvdfParams(Params):
  """SVDF. Unit u has the filters u * rank and following ones.

  A filter's product with the input, brought to the state's scale, is the newest of its `memory`
  numbers. Biases hold -zero_point * sum(weights) of what they are added to.
  """

  weights: Array | None = constant('weights_at', 'i1', 'int8[units * rank][inputs]', 16)
  feature_bias: Array | None = constant('feature_bias_at', '<i4', 'int32[units * rank]')
  time_weights: Array | None = constant(
    'time_weights_at', '', "[units * rank][memory] of the state's type"
  )
  bias: Array | None = constant('bias_at', '<i4', 'int32[units]')
  state_multiplier: int = i32()
  output_multiplier: int = i32()
  memory: int = u16()
  rank: int = u16()
  state_shift: int = i8()
  output_shift: int = i8()
  output_zero_point: int = i16()
