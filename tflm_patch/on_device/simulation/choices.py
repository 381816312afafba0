# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What may be trained of a network: biases of the last layers, weights at ratios."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.on_device.scheme import RATIOS, LayerUpdate, Loss, Scheme
from tflm_patch.on_device.simulation.layers import Layer
from tflm_patch.on_device.simulation.network import Network


def largest_channels(layer: Layer, ratio: float) -> tuple[int, ...]:
  """The part of a layer's input channels whose weights are the longest, ascending.

  At least one for a ratio above 0.
  """
  if ratio <= 0:
    return ()
  count = min(layer.channels, math.ceil(layer.channels * ratio))
  order = np.argsort(-layer.channel_norms(), kind='stable')
  return tuple(sorted(order[:count].tolist()))


@dataclasses.dataclass(frozen=True)
class Choice:
  """A point of the space of schemes.

  Attributes:
    last: Biases of so many layers, counted from the end.
    ratios: Of their input channels, by operator; one of `RATIOS` above 0.
  """

  last: int
  ratios: Mapping[int, float]

  def key(self) -> tuple[int, tuple[tuple[int, float], ...]]:
    """To compare choices by."""
    return self.last, tuple(sorted(self.ratios.items()))


@dataclasses.dataclass(frozen=True, eq=False)
class Space:
  """All schemes that are considered.

  Attributes:
    network: The model.
    loss: What is made smaller.
    layers: Operators that may be trained, as they run.
    has_new_head: The last of them is new: it is trained wholly.
  """

  network: Network
  loss: Loss
  layers: tuple[int, ...]
  has_new_head: bool

  @classmethod
  def of(cls, network: Network, loss: Loss, has_new_head: bool) -> Space:
    """The layers with biases that gradients reach.

    Raises:
      TflmPatchError: there are none.
    """
    reached = network.trainable()
    found = tuple(index for index in reached if network.layers[index].has_bias)
    if not found or found[-1] != reached[-1]:
      raise TflmPatchError('the last layer has no biases; training on the chip needs them')
    return cls(network, loss, found, has_new_head)

  @property
  def ratios(self) -> tuple[float, ...]:
    """Those that train weights, ascending."""
    return tuple(ratio for ratio in RATIOS if ratio > 0)

  def scheme(self, choice: Choice) -> Scheme:
    """What a choice trains."""
    updates = []
    for index in self.layers[len(self.layers) - choice.last :]:
      is_new = self.has_new_head and index == self.layers[-1]
      ratio = 1.0 if is_new else choice.ratios.get(index, 0.0)
      channels = largest_channels(self.network.layers[index], ratio)
      updates.append(LayerUpdate(index, True, channels))
    return Scheme(tuple(updates), self.loss)

  def least(self) -> Scheme:
    """The smallest of all: the last layer's biases, or a new head."""
    return self.scheme(Choice(1, {}))

  def last_layers(self, count: int) -> Scheme:
    """Whole layers from the end, weights and biases."""
    chosen = self.layers[len(self.layers) - count :]
    return self.scheme(Choice(count, dict.fromkeys(chosen, 1.0)))
