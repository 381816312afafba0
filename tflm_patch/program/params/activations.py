# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Parameters of activations that are tables or formulas."""

from __future__ import annotations

import dataclasses

from tflm_patch.program.fields import Array, constant, i32, structure
from tflm_patch.program.params.base import Params


@structure('tflm_patch_softmax_params')
@dataclasses.dataclass(frozen=True, eq=False)
class SoftmaxParams(Params):
  """SOFTMAX over channels of int8 maps (output scale 1/256, zero point -128)."""

  exp_table: Array | None = constant(
    'exp_table_at', '<i4', "int32[256], TFLM's fixed-point exp of -i * beta * scale"
  )
  diff_min: int = i32('smaller differences count as zero')


@structure('tflm_patch_log_softmax_params')
@dataclasses.dataclass(frozen=True, eq=False)
class LogSoftmaxParams(Params):
  """LOG_SOFTMAX over channels, int8 to int8 (output scale 1/16, zero point 127).

  The multiplier and shift bring a difference to Q5.26, the inverse ones back.
  """

  exp_table: Array | None = constant(
    'exp_table_at', '<i4', "int32[256], TFLM's fixed-point exp of -i * scale"
  )
  diff_min: int = i32('smaller differences give the least value')
  multiplier: int = i32()
  shift: int = i32()
  inverse_multiplier: int = i32()
  inverse_shift: int = i32()


@structure('tflm_patch_softmax_s16_params')
@dataclasses.dataclass(frozen=True, eq=False)
class SoftmaxInt16Params(Params):
  """SOFTMAX over channels of int16 maps (output scale 2^-15).

  The multiplier and shift bring a difference to steps of 10 / 65535.
  """

  exp_table: Array | None = constant(
    'exp_table_at', '<i2', 'int16[513], exp from -10 to 0, in 2^-15'
  )
  reciprocal: Array | None = constant(
    'reciprocal_at', '<i2', 'int16[513], 1 / (1 + x) from 0 to 1, in 2^-15'
  )
  multiplier: int = i32()
  shift: int = i32()


@structure('tflm_patch_sigmoid_params')
@dataclasses.dataclass(frozen=True, eq=False)
class SigmoidParams(Params):
  """LOGISTIC and TANH of int16 maps (output scale 2^-15)."""

  table: Array | None = constant('table_at', '<u2', 'uint16[256], 1 / (1 + exp(-i / 24)) in 2^-16')
  multiplier: int = i32('of a value;')
  shift: int = i32('to the right after it, rounded: steps of 1 / 12288')
