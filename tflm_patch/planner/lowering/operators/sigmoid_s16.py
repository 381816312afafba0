# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""LOGISTIC and TANH of int16 maps, by TFLM's table of the logistic function."""

from __future__ import annotations

import functools
import math

import numpy as np

from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import rowwise
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program.params import SigmoidParams
from tflm_patch.program.records import Kind

OUTPUT_SCALE = 2.0**-15
_UNITS = 3 * 4096  # table steps of 1/24, each of 512, are units of 1/12288
_STEPS_OF_ONE = 24  # entries between the logistic function at 0 and at 1
_NEAR_POWER = 1e-3  # of log2(scale) to a whole number: TFLM takes it for one


@functools.cache
def table() -> np.ndarray:
  """uint16[256]: 1 / (1 + exp(-i / 24)) in 2^-16, raised by half the error of the interpolation.

  A line between two points of the curve lies below it; half of that error in the middle goes
  into the entry. The last entry is the largest value.
  """

  def logistic(x: float) -> float:
    return 65536 / (1 + math.exp(-x / _STEPS_OF_ONE))

  entries = []
  for i in range(256):
    error = logistic(i + 0.5) - (logistic(i) + logistic(i + 1)) / 2
    entries.append(math.floor(logistic(i) + error / 2 + 0.5))
  result = np.array([*entries[:-1], 65535], '<u2')
  result.flags.writeable = False
  return result


def power_of_two(scale: float) -> tuple[int, bool | None]:
  """CheckedLog2: the nearest whole log2, and whether it counts as the log2 itself.

  None where that hangs on the last bits of a float32 logarithm.
  """
  log2 = math.log2(scale)
  nearest = round(log2)
  distance = abs(log2 - nearest)
  if abs(distance - _NEAR_POWER) < 1e-5:
    return nearest, None
  return nearest, distance < _NEAR_POWER


def violation(scale: float, whole: tuple[int, ...]) -> str | None:
  """Why TFLM's kernel cannot take an input scale."""
  nearest, is_power = power_of_two(scale)
  if nearest in whole and is_power is None:
    return f'{scale:g} is nearly a power of two'
  return None if scale * _UNITS < 1 << 15 else f'{scale:g}'


def input_scale(scale: float, whole: tuple[int, ...]) -> tuple[int, int]:
  """How a value comes to steps of 1 / 12288.

  Args:
    scale: Of the input.
    whole: The log2 of the scales that TFLM treats apart.

  Returns:
    A multiplier, and the bits that are shifted out after it.
  """
  nearest, is_power = power_of_two(scale)
  if is_power and nearest in whole:
    return 3 << (nearest + 12), 0
  real, shift = scale * _UNITS, 0
  while real <= 32767 / 2 and shift <= 30:
    real *= 2
    shift += 1
  return int(real), shift


def lower(op: OpView, builder: StageBuilder, kind: Kind, whole: tuple[int, ...]) -> None:
  """Appends a LOGISTIC or TANH."""
  source = op.input().quantization
  assert source is not None
  multiplier, shift = input_scale(source.scale, whole)
  rowwise.append(op, builder, kind, SigmoidParams(table(), multiplier, shift))
