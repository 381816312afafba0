# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""HARD_SWISH, in the 16-bit fixed-point arithmetic of TFLM's kernel."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, lookup
from tflm_patch.planner.lowering.operators.base import OpView

_INT16_MAX = (1 << 15) - 1
_INT16_MIN = -(1 << 15)
_RELUISH_SCALE = 3.0 / 32768.0  # of a value in [-1, 1] that stands for [-3, 3]


def _int16(value: int) -> int:
  """The value modulo 2^16."""
  return (value + (1 << 15)) % (1 << 16) - (1 << 15)


def _truncate(value: int) -> int:
  """value / 2^15 towards zero, as C divides."""
  return value >> 15 if value >= 0 else -(-value >> 15)


def _high_multiply(a: int, b: int) -> int:
  """SaturatingRoundingDoublingHighMul of int16 values that are not both the least."""
  product = a * b
  return _int16(_truncate(product + ((1 << 14) if product >= 0 else 1 - (1 << 14))))


def _shift_left(value: int, exponent: int) -> int:
  return min(max(value << exponent, _INT16_MIN), _INT16_MAX)


def _divide(value: int, exponent: int) -> int:
  """RoundingDivideByPOT of an int16: its mask has 16 bits, too."""
  mask = _int16((1 << exponent) - 1)
  threshold = (mask >> 1) + (1 if value < 0 else 0)
  return (value >> exponent) + (1 if value & mask > threshold else 0)


def _multipliers(op: OpView) -> tuple[tuple[int, int], tuple[int, int]]:
  """(int16 multiplier, exponent) of the input on the output's scale, and of the gate.

  Scales divide in double; before October 2026 TFLM did so in float32.
  """
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  fine_scale = source.scale / 128
  pairs = []
  for scale in (target.scale, _RELUISH_SCALE):
    multiplier, exponent = quantize.quantize_multiplier(fine_scale / scale)
    pairs.append((min((multiplier + (1 << 15)) >> 16, _INT16_MAX), exponent))
  return pairs[0], pairs[1]


def constraint_hard_swish_scales(op: OpView) -> str | None:
  """The input scale is below 2^24, and a 128th of it below the output scale"""
  (_, output_exponent), (_, gate_exponent) = _multipliers(op)
  if output_exponent <= 0 and gate_exponent <= 31:
    return None
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  return f'{source.scale:g} and {target.scale:g}'


@base.register('HARD_SWISH', *lookup.RULES, constraint_hard_swish_scales, reads=cells.pointwise)
def lower(op: OpView, builder: StageBuilder) -> None:
  """By a table"""
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  (output_multiplier, output_exponent), (gate_multiplier, gate_exponent) = _multipliers(op)

  def hard_swish(value: int) -> int:
    fine = (value - source.zero_point) << 7
    gate = fine
    # The last bit of a left shift comes behind the multiplication: only it may saturate.
    if gate_exponent > 0:
      gate = _shift_left(gate, gate_exponent - 1)
    gate = _high_multiply(gate, gate_multiplier)
    if gate_exponent > 0:
      gate = _shift_left(gate, 1)
    elif gate_exponent < 0:
      gate = _divide(gate, -gate_exponent)
    gate = (gate + (1 << 15)) >> 1
    product = _truncate(gate * _high_multiply(fine, output_multiplier))
    return _divide(product, -output_exponent) + target.zero_point

  lookup.lower_int8(op, builder, hard_swish)
