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

from tflm_patch.on_device.parameters import MOST_BIAS
from tflm_patch.on_device.scheme import LayerUpdate
from tflm_patch.on_device.simulation.layers import Gradients, Layer, Parameters

_WEIGHT = 127  # the largest magnitude
_GOLDEN, _UINT32 = 0x9E3779B9, 0xFFFFFFFF


class Scaling(enum.Enum):
  """What gradients of integers are multiplied by, beside the learning rate."""

  QUANTIZATION_AWARE = 'quantization-aware'
  NONE = 'none'  # plain gradient descent on the integers


@dataclasses.dataclass
class Chance:
  """Uniform numbers by parameter and counter, as `tflm_patch.on_device` defines them.

  Attributes:
    seed: 32 bits.
    counter: Grows by the number of parameters with every update; the chip keeps it.
  """

  seed: int = 1
  counter: int = 0

  def draw(self, first: int, count: int) -> np.ndarray:
    """float64[count] in [0, 1), of the parameters from number `first` on."""
    begin = (self.counter + first + self.seed * _GOLDEN) & _UINT32
    h = (begin + np.arange(count, dtype=np.uint64)).astype(np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
      h ^= h >> np.uint32(shift)
      h *= np.uint32(factor)
    h ^= h >> np.uint32(16)
    return (h >> np.uint32(8)) / float(1 << 24)

  def advance(self, parameters: int) -> None:
    """After an update of so many parameters."""
    self.counter = (self.counter + parameters) & _UINT32


def rounded(moves: np.ndarray, chance: Chance | None, first: int = 0) -> np.ndarray:
  """Whole numbers whose expectation is `moves`; the nearest without chance.

  Args:
    moves: By how many integers parameters move.
    chance: Draws.
    first: The number of the first parameter.
  """
  if chance is None:
    return np.rint(moves)
  return np.floor(moves + chance.draw(first, moves.size).reshape(moves.shape))


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
  first: int = 0,
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
    first: The number of the layer's first parameter among all that are trained.
  """
  weights, bias = parameters.weights, parameters.bias
  if update.input_channels:
    assert gradients.weights is not None
    moves = weight_steps(layer, gradients.weights, rate, scaling)
    key = [slice(None)] * moves.ndim
    key[layer.channel_axis] = list(update.input_channels)  # type: ignore[call-overload]
    moves = moves[tuple(key)]
    moved = weights[tuple(key)] + rounded(moves, chance, first)
    weights, first = weights.copy(), first + moves.size
    moved = np.where(moves == 0, weights[tuple(key)], np.clip(moved, -_WEIGHT, _WEIGHT))
    weights[tuple(key)] = moved.astype(np.int8)
  if update.bias:
    assert gradients.bias is not None
    moved = bias + rounded(bias_steps(layer, gradients.bias, rate, scaling), chance, first)
    bias = np.clip(moved, -MOST_BIAS, MOST_BIAS).astype(np.int32)
  return Parameters(weights, bias)


def count(layer: Layer, update: LayerUpdate) -> int:
  """How many parameters of a layer are trained."""
  of_channel = layer.initial.weights.size // layer.channels
  return of_channel * len(update.input_channels) + update.bias * layer.channels_out
