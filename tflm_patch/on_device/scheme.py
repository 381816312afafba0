# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a chip updates of a network: biases of some layers, weights of fewer, in part."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping

from tflm_patch.errors import TflmPatchError

RATIOS = (0.0, 0.125, 0.25, 0.5, 1.0)


class Loss(enum.Enum):
  """What a step of training makes smaller."""

  CROSS_ENTROPY = 'cross_entropy'  # of softmax over the logits, labels are class numbers
  MEAN_SQUARED_ERROR = 'mean_squared_error'


@dataclasses.dataclass(frozen=True)
class LayerUpdate:
  """What of one layer is trained.

  Attributes:
    operator: Index of the CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED among the
      operators of the unconverted model's subgraph 0.
    bias: Whether its biases are updated.
    input_channels: The input channels whose weights are updated, ascending; of a
      depthwise convolution its channels. Empty: no weights.
  """

  operator: int
  bias: bool
  input_channels: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Scheme:
  """A sparse update (MCUNetV3, NeurIPS 2022): what is trained, the rest is frozen.

  Attributes:
    updates: One a layer, by operator, ascending; at least one, none of them empty.
    loss: What is made smaller.
  """

  updates: tuple[LayerUpdate, ...]
  loss: Loss = Loss.CROSS_ENTROPY

  def __post_init__(self) -> None:
    operators = [update.operator for update in self.updates]
    if not operators or operators != sorted(set(operators)):
      raise TflmPatchError('a scheme names each layer that it updates once, in their order')
    for update in self.updates:
      channels = update.input_channels
      if not update.bias and not channels:
        raise TflmPatchError(f'the scheme updates nothing of operator {update.operator}')
      if list(channels) != sorted(set(channels)) or (channels and channels[0] < 0):
        raise TflmPatchError(f'the channels of operator {update.operator} are not ascending')

  @property
  def by_operator(self) -> Mapping[int, LayerUpdate]:
    """The updates by the operator's index."""
    return {update.operator: update for update in self.updates}

  @property
  def first(self) -> int:
    """The first operator that is updated: what lies before it is only computed forward."""
    return self.updates[0].operator
