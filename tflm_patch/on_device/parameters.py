# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The trained parameters: their numbers, their places, their values to begin with."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from tflm_patch.on_device.network import Network
from tflm_patch.on_device.operators import backward_of
from tflm_patch.on_device.operators.base import FLOAT_BYTES
from tflm_patch.on_device.operators.weighted import Weighted, folded_bias
from tflm_patch.program.records import Sums

BIAS_BYTES = 4
# Of a trained bias, folded; what it leaves of 2^30 is for products of 8-bit values.
MOST_BIAS = 1 << 29
_MOST_PRODUCT = 128 * 127


@dataclasses.dataclass(frozen=True, eq=False)
class LayerParameters:
  """What is trained of a layer.

  Attributes:
    index: Of the operator in the network's model.
    operator: Its backward side.
    weights: int8, in the order of their numbers; empty when only biases are trained.
    bias: int32[channels], with the input's zero point folded in.
    trains_bias: Whether biases are trained, not only moved by their weights.
    number, bias_number: The first parameter numbers.
    bias_at, weights_at: Bytes from the beginning of all parameters.
    sums_at, bias_sums_at: Bytes from the beginning of all sums of gradients.
  """

  index: int
  operator: Weighted
  weights: np.ndarray
  bias: np.ndarray
  trains_bias: bool
  number: int
  bias_number: int
  bias_at: int
  weights_at: int
  sums_at: int
  bias_sums_at: int

  @property
  def sums(self) -> Sums:
    """How far the accumulators can reach, whatever is learned."""
    view = self.operator.view
    inputs = view.input(1).elements // self.bias.size
    reach = MOST_BIAS + inputs * _MOST_PRODUCT
    is_small = int(np.abs(self.bias.astype(np.int64)).max(initial=0)) <= MOST_BIAS
    return Sums.BOUNDED if is_small and reach < 1 << 30 else Sums.INT32


@dataclasses.dataclass(frozen=True, eq=False)
class Parameters:
  """All trained parameters.

  Attributes:
    layers: By the operator's index.
    count: How many are trained.
    bytes: Of weights and biases in memory.
  """

  layers: Mapping[int, LayerParameters]
  count: int
  bytes: int

  @property
  def sums_bytes(self) -> int:
    """Of a float for each."""
    return FLOAT_BYTES * self.count

  def initial(self) -> np.ndarray:
    """uint8[bytes]: as they are in the model."""
    image = np.zeros(self.bytes, np.uint8)
    for layer in self.layers.values():
      bias, weights = layer.bias.astype('<i4').view(np.uint8), layer.weights.view(np.uint8)
      image[layer.bias_at : layer.bias_at + bias.size] = bias
      image[layer.weights_at : layer.weights_at + weights.size] = weights
    return image


def parameters_of(network: Network, quantization_aware: bool) -> Parameters:
  """The trained parameters of a network: biases first, so that all are aligned."""
  operators = [_weighted(network, index, quantization_aware) for index in network.updates]
  channels = [operator.geometry.target[2] for operator in operators]
  bias_ends = np.cumsum([0, *channels]) * BIAS_BYTES
  at, number = int(bias_ends[-1]), 0
  layers = {}
  for index, operator, bias_at in zip(network.updates, operators, bias_ends):
    update = network.updates[index]
    weights = chosen_weights(operator)
    bias_number = number + weights.size
    layers[index] = LayerParameters(
      index=index,
      operator=operator,
      weights=weights,
      bias=folded_bias(operator),
      trains_bias=update.bias,
      number=number,
      bias_number=bias_number,
      bias_at=int(bias_at),
      weights_at=at,
      sums_at=FLOAT_BYTES * number,
      bias_sums_at=FLOAT_BYTES * bias_number,
    )
    # Kernels read weights by words.
    at += -(-weights.size // 16) * 16
    number = bias_number + (operator.geometry.target[2] if update.bias else 0)
  return Parameters(layers, number, at)


def _weighted(network: Network, index: int, quantization_aware: bool) -> Weighted:
  view = network.view(index)
  operator = backward_of(view, network.updates[index], quantization_aware)
  assert isinstance(operator, Weighted)
  return operator


def chosen_weights(operator: Weighted) -> np.ndarray:
  """int8: the trained weights of an operator in the order of their numbers."""
  if operator.channels is None:
    return np.zeros(0, np.int8)
  weights = operator.view.input(1).array()
  return np.ascontiguousarray(weights[..., list(operator.channels)]).reshape(-1)
