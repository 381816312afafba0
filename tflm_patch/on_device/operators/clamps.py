# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What operators with a clamp share: the gradient passes where an output is within it."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.quantize import scale_of, zero_point_of
from tflm_patch.on_device import integers
from tflm_patch.on_device.operators.base import Places, Values
from tflm_patch.planner.lowering.operators import OpView


def clamp_of(view: OpView) -> tuple[int, int]:
  """The least and the greatest output of an int8 operator with a fused activation."""
  target = view.output()
  return quantize.activation_range(
    view.option('fusedActivationFunction'), scale_of(target), zero_point_of(target), -128, 127
  )


def emit_scaled(view: OpView, scales: np.ndarray, at: Places) -> str:
  """A statement: the output's gradient where it passes, times a scale a channel or one for all."""
  values = view.output().elements
  channels = scales.size
  name = at.constant('float', scales, 'scales')
  gradient = at.gradient(view.operator.outputs[0])
  return (
    f'tflm_patch_backward_clamp({at.mask()}, {values // channels}, {channels}, {name}, {gradient});'
  )


def emit_integer(view: OpView, scales: np.ndarray, bits: int, at: Places) -> str:
  """The same for gradients of integers, which are then below 2^bits."""
  values, channels = view.output().elements, scales.size
  multipliers, exponent = integers.multipliers(scales)
  name = at.constant('int32_t', multipliers, 'gradient_multipliers')
  target = view.operator.outputs[0]
  return (
    f'tflm_patch_integer_clamp({at.mask()}, {values // channels}, {channels}, {name}, {exponent}, '
    f'{bits}, {at.gradient(target)}, {at.exponent(target)});'
  )


def emit_integer_copy(
  view: OpView, scale: np.floating, sizes: tuple[int, int, int], added: bool, at: Places, to: int
) -> str:
  """A statement: the gradient of an input from that of the output, scaled, repeated.

  Args:
    view: The operator.
    scale: Of the gradient.
    sizes: Values before, within and after what is repeated.
    added: Another reader has begun the gradient.
    at: Where things are.
    to: The input's tensor.
  """
  multiplier, exponent = integers.multipliers(np.array([scale]))
  target = view.operator.outputs[0]
  return (
    f'tflm_patch_integer_spread({at.gradient(target)}, *{at.exponent(target)}, '
    f'{", ".join(map(str, sizes))}, {multiplier[0]}, {exponent}, {at.gradient(to)}, '
    f'{at.exponent(to)}, {int(added)});'
  )


def emit_integer_sum(view: OpView, added: bool, at: Places) -> str:
  """A statement: how sums of products come to the first input's gradient; the variable `sum`."""
  source, target = view.operator.inputs[0], view.operator.outputs[0]
  return (
    f'const tflm_patch_integer_sum sum = tflm_patch_integer_begin({at.exponent(source)}, '
    f'*{at.exponent(target)}, {int(added)});'
  )


def scaled(
  view: OpView, clamp: tuple[int, int], scales: np.ndarray, gradient: np.ndarray, values: Values
) -> np.ndarray:
  """The same in NumPy."""
  output = values.tensor(view.operator.outputs[0])
  passes = (output > clamp[0]) & (output < clamp[1])
  flat = gradient.reshape(gradient.shape[0], -1, scales.size)
  made = flat * scales.astype(np.float32)
  passes = passes.reshape(made.shape)
  return np.where(passes, made, np.float32(0)).reshape(gradient.shape)
