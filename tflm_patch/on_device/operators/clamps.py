# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What operators with a clamp share: the gradient passes where an output is within it."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.quantize import scale_of, zero_point_of
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
