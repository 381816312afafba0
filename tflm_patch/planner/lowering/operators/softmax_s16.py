# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The tables of SOFTMAX of int16 maps, as LUTPopulate of TFLM makes them."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program.params import SoftmaxInt16Params

_F32 = np.float32
_STEPS = 512
_LOW, _HIGH = -(1 << 15), (1 << 15) - 1
_RANGE = _F32(_HIGH - _LOW)
EXP_RANGE = 10.0  # exp of less than minus that counts as that


def _round(value: np.float32) -> np.float32:
  return _F32(quantize.round_half_away(float(value)))


def _table(
  function: Callable[[np.float32], np.float32], scale: np.float32, zero_point: int
) -> np.ndarray:
  """int16[513]: a function, in steps of 128 values, of values of a scale and zero point.

  Everything is float32. An entry is moved by half the error that the interpolation has in the
  middle of its step; results are in 2 / 65535.
  """
  low, high = scale * _F32(_LOW - zero_point), scale * _F32(_HIGH - zero_point)
  step = (high - low) / _F32(_STEPS)
  half = step / _F32(2)
  out_scale = _F32(2) / _RANGE
  inverse = _F32(_HIGH - _LOW + 1) / (out_scale * _F32(_HIGH) - out_scale * _F32(_LOW))
  entries = []
  for i in range(_STEPS):
    at = low + _F32(i) * step
    value, middle = function(at), function(at + half)
    behind = function(low + _F32(i + 1) * step)
    sample = _round(value * inverse)
    interpolated = _round((behind * inverse + sample) / _F32(2))
    error = interpolated - _round(middle * inverse)
    entries.append(sample - _round(error / _F32(2)))
  entries.append(_round(function(high) * inverse))
  result = np.clip(entries, _LOW, _HIGH).astype('<i2')
  result.flags.writeable = False
  return result


@functools.cache
def exp_table() -> np.ndarray:
  """exp from -10 to 0; float32 results are those of a double rounded, as of good C libraries."""
  return _table(lambda x: _F32(np.exp(np.float64(x))), _F32(EXP_RANGE) / _RANGE, _HIGH)


@functools.cache
def reciprocal_table() -> np.ndarray:
  """1 / (1 + x) from 0 to 1."""
  return _table(lambda x: _F32(1) / (_F32(1) + x), _F32(1) / _RANGE, _LOW)


def rescaling(op: OpView) -> float:
  """beta * input scale in steps of exp's table."""
  quantization = op.input().quantization
  assert quantization is not None
  return quantization.scale * float(np.float32(op.option('beta', 1.0))) / (EXP_RANGE / 65535.0)


def parameters(op: OpView) -> SoftmaxInt16Params:
  """The record of an operator."""
  multiplier, shift = quantize.quantize_multiplier(rescaling(op))
  return SoftmaxInt16Params(exp_table(), reciprocal_table(), multiplier, shift)
