# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Elementwise operators of one 8-bit input, as a table of 256 results."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Hashable

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType, Quantization
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, rescale_s16, rowwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import LookupParams


def table_of(function: Callable[[int], int], source: DType, target: DType) -> np.ndarray:
  """uint8[256] indexed by the input's bits; results are clamped to the output's type."""
  assert source.numpy is not None and target.numpy is not None
  info = np.iinfo(target.numpy)
  values = np.arange(256).astype(np.uint8).view(source.numpy)
  results = [min(max(function(int(value)), info.min), info.max) for value in values]
  return np.array(results).astype(target.numpy).view(np.uint8)


@dataclasses.dataclass(frozen=True)
class _Function:
  """What an operator computes of a value: all that its table depends on."""

  opcode: str
  options: Hashable
  source: Hashable
  target: Hashable
  types: tuple[DType, DType]
  apply: Callable[[int], int] = dataclasses.field(compare=False)


# A plan that is tried lowers its operators again: their tables are remembered, 256 bytes each.
@functools.lru_cache(maxsize=4096)
def _remembered(function: _Function) -> np.ndarray:
  table = table_of(function.apply, *function.types)
  table.flags.writeable = False
  return table


def table_for(op: OpView, function: Callable[[int], int]) -> np.ndarray:
  """`table_of` for the types of an operator; `function` depends on nothing but the operator's
  options and the scales and zero points of its input and output.
  """
  tensors = op.input(), op.output()
  source, target = ((q.scale, q.zero_point) if (q := t.quantization) else None for t in tensors)
  options = op.operator.options
  return _remembered(
    _Function(
      opcode=op.opcode,
      options=tuple(sorted(vars(options).items())) if options is not None else (),
      source=source,
      target=target,
      types=(op.input().dtype, op.output().dtype),
      apply=function,
    )
  )


def lower_int8(op: OpView, builder: StageBuilder, function: Callable[[int], int]) -> None:
  """Appends a LOOKUP of a function of int8 values, see `table_for`."""
  lower_table(op, builder, table_for(op, function))


def lower_table(op: OpView, builder: StageBuilder, table: np.ndarray) -> None:
  """Appends a LOOKUP."""
  rowwise.append(op, builder, program.Kind.LOOKUP, LookupParams(table))


# What all operators by a table obey.
RULES = (
  base.constraint_input_is_activation,
  base.constraint_int8_activations,
  base.constraint_same_shape,
)
# Of operators that int16 maps have, too; not by a table.
INTEGER_RULES = (
  base.constraint_input_is_activation,
  base.constraint_integer_activations,
  base.constraint_same_shape,
)


@base.register('RELU', *INTEGER_RULES, base.constraint_scale_ratio, reads=cells.pointwise)
def lower_relu(op: OpView, builder: StageBuilder) -> None:
  """By a table, int16 value by value"""
  source, target = op.input().quantization, op.output().quantization
  assert source is not None and target is not None
  multiplier, shift = quantize.quantize_multiplier(source.scale / target.scale)
  if op.input().dtype == DType.INT16:
    rescale_s16.lower(op, builder, (multiplier, shift), clamp=(0, rescale_s16.INT16_MAX))
    return

  def relu(value: int) -> int:
    scaled = quantize.multiply_by_quantized_multiplier(value - source.zero_point, multiplier, shift)
    return max(target.zero_point + scaled, target.zero_point)

  lower_int8(op, builder, relu)


def constraint_six(op: OpView) -> str | None:
  """6 over the input scale is below 2^31 - 256"""
  source = op.input().quantization
  # Above, the sum with the zero point may leave int32, which C++ does not define.
  if source is None or _six_steps(source) < (1 << 31) - 256:
    return None
  return f'scale {source.scale:g}'


def _six_steps(source: Quantization) -> int:
  return quantize.round_half_away(quantize.float_quotient(6.0, source.scale))


@base.register('RELU6', *INTEGER_RULES, constraint_six, reads=cells.pointwise)
def lower_relu6(op: OpView, builder: StageBuilder) -> None:
  """By a table, int16 value by value; like TFLM's kernel it clamps in the input's scale"""
  source = op.input().quantization
  assert source is not None
  six = source.zero_point + _six_steps(source)
  if op.input().dtype == DType.INT16:
    six = min(six, rescale_s16.INT16_MAX)
    rescale_s16.lower(op, builder, rescale_s16.SAME, clamp=(0, six))
    return
  six = min(max(six, quantize.INT8_MIN), quantize.INT8_MAX)
  lower_int8(op, builder, lambda value: min(max(value, source.zero_point), six))
