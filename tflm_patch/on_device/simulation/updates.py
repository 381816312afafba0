# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""One update of integer weights: scaled gradients, stochastic rounding.

Quantization-aware scaling (MCUNetV3, arXiv 2206.15472): with G the gradient with respect to
an integer weight, G / s_w^2 is the step that gradient descent makes of the real weight, in
steps of s_w: dL/dW = G / s_w. Of biases, whose scale is s_w * s_x, it is
G / (s_w * s_x)^2.
"""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from tflm_patch.on_device.scheme import LayerUpdate
from tflm_patch.on_device.simulation.layers import Gradients, Layer, Parameters

_INT32 = np.iinfo(np.int32)
_WEIGHT = 127  # the largest magnitude of int8 weights


class Scaling(enum.Enum):
  """What gradients of integers are multiplied by, beside the learning rate."""

  QUANTIZATION_AWARE = 'quantization-aware'
  NONE = 'none'  # plain gradient descent on the integers


@dataclasses.dataclass
class Chance:
  """Uniform numbers from a counter: the same seed and counter give the same numbers.

  Attributes:
    seed: 32 bits.
    counter: How many were drawn; the state that a chip keeps.
  """

  seed: int = 1
  counter: int = 0

  def draw(self, count: int) -> np.ndarray:
    """float64[count] in [0, 1), of 24 bits: a mix of xor-shifts and products of the counter."""
    numbers = (self.counter + np.arange(count, dtype=np.uint64)) & np.uint64(0xFFFFFFFF)
    self.counter = (self.counter + count) & 0xFFFFFFFF
    x = numbers.astype(np.uint32) * np.uint32(0x9E3779B9) + np.uint32(self.seed & 0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
      x ^= x >> np.uint32(shift)
      x *= np.uint32(factor)
    x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)) / float(1 << 24)


def rounded(steps: np.ndarray, chance: Chance | None) -> np.ndarray:
  """Whole numbers whose expectation is `steps`; the nearest without chance."""
  if chance is None:
    return np.rint(steps)
  return np.floor(steps + chance.draw(steps.size).reshape(steps.shape))


def weight_steps(layer: Layer, gradient: np.ndarray, rate: float, scaling: Scaling) -> np.ndarray:
  """By how many integers weights move before rounding, in their shape."""
  if scaling is Scaling.NONE:
    return -rate * gradient.astype(np.float64)
  shape = [1] * gradient.ndim
  shape[layer.out_axis] = -1
  return -rate * gradient / (layer.weight_scales**2).reshape(shape)


def bias_steps(layer: Layer, gradient: np.ndarray, rate: float, scaling: Scaling) -> np.ndarray:
  """By how many integers biases move before rounding."""
  if scaling is Scaling.NONE:
    return -rate * gradient.astype(np.float64)
  return -rate * gradient / (layer.weight_scales * layer.input_scale) ** 2


def updated(
  layer: Layer,
  parameters: Parameters,
  update: LayerUpdate,
  gradients: Gradients,
  rate: float,
  scaling: Scaling = Scaling.QUANTIZATION_AWARE,
  chance: Chance | None = None,
) -> Parameters:
  """A layer after a step.

  Args:
    layer: The layer.
    parameters: Before.
    update: What of it is trained.
    gradients: With respect to its integers, of the mean loss.
    rate: The learning rate of the real weights.
    scaling: Of the gradients.
    chance: Rounds stochastically; None rounds to the nearest.
  """
  weights, bias = parameters.weights, parameters.bias
  if update.input_channels:
    assert gradients.weights is not None
    moves = weight_steps(layer, gradients.weights, rate, scaling)
    key = [slice(None)] * moves.ndim
    key[layer.channel_axis] = list(update.input_channels)  # type: ignore[call-overload]
    moved = weights[tuple(key)] + rounded(moves[tuple(key)], chance)
    weights = weights.copy()
    weights[tuple(key)] = np.clip(moved, -_WEIGHT, _WEIGHT).astype(np.int8)
  if update.bias:
    assert gradients.bias is not None
    moved = bias + rounded(bias_steps(layer, gradients.bias, rate, scaling), chance)
    bias = np.clip(moved, _INT32.min, _INT32.max).astype(np.int32)
  return Parameters(weights, bias)
