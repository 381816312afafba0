# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""DIV by a constant."""

from __future__ import annotations

from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, elementwise, fixed_point, lookup
from tflm_patch.planner.lowering.operators.base import OpView

_BITS = 31


def _divisor(op: OpView) -> int | None:
  """The constant less its zero point, where it has a single value; else None."""
  if not op.has_input(1) or not op.input(1).is_constant:
    return None
  tensor, values = op.input(1), op.input(1).array().reshape(-1)
  if tensor.quantization is None or not base.quantized_int8(tensor) or values.size != 1:
    return None
  return int(values[0]) - tensor.quantization.zero_point


def constraint_divisor(op: OpView) -> str | None:
  """The divisor is a single constant int8 value, not zero"""
  return None if _divisor(op) else f'{_divisor(op)}'


def _multiplier(op: OpView) -> tuple[int, int]:
  """CalculateOpDataDiv of TFLM's div.cc, in double; in float32 before October 2026."""
  first, second, out = elementwise.quantizations(op)
  return quantize.quantize_multiplier(first.scale / (second.scale * out.scale))


def _reciprocal(value: int) -> tuple[int, int]:
  """GetReciprocal of TFLM's common.h: 1 / value in Q0, and the right shift of it."""
  zeros = 32 - value.bit_length()
  rest = (value << zeros) - (1 << 31)
  return fixed_point.one_over_one_plus(rest), _BITS - zeros


def _sign_bits(value: int) -> int:
  """CountLeadingSignBits."""
  return 31 - value.bit_length() if value >= 0 else 32 - (-2 * value - 1).bit_length()


def constraint_quotient(op: OpView) -> str | None:
  """A step of the input gives at least about one of the output, for TFLM's shifts to be defined"""
  divisor = _divisor(op)
  assert divisor is not None
  first, _, _ = elementwise.quantizations(op)
  _, shift = _multiplier(op)
  _, right = _reciprocal(abs(divisor))
  largest = max(127 - first.zero_point, first.zero_point + 128)
  # Shifts right of 0 to 31, of the quotients of a zero and of the largest value.
  is_defined = right <= shift and shift - right <= _sign_bits(largest)
  return None if is_defined else f'divisor {divisor}, scales give 2^{shift}'


@base.register(
  'DIV',
  base.constraint_input_is_activation,
  base.constraint_int8_activations,
  base.constraint_same_shape,
  constraint_divisor,
  base.constraint_fused_activation,
  base.constraint_clamp,
  constraint_quotient,
  reads=cells.pointwise,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """By a single constant, with a table"""
  first, _, out = elementwise.quantizations(op)
  divisor = _divisor(op)
  assert divisor is not None
  multiplier, shift = _multiplier(op)
  inverse, right = _reciprocal(abs(divisor))
  low, high = quantize.activation_range(
    op.option('fusedActivationFunction'), out.scale, out.zero_point
  )

  def divide(value: int) -> int:
    part = (value - first.zero_point) * (1 if divisor > 0 else -1)
    left = _sign_bits(part)
    quotient = quantize.multiply_by_quantized_multiplier(part, inverse, left)
    scaled = quantize.multiply_by_quantized_multiplier(quotient, multiplier, shift - right - left)
    return min(max(out.zero_point + scaled, low), high)

  source, target = op.input().dtype, op.output().dtype
  lookup.lower_table(op, builder, lookup.table_of(divide, source, target))
