# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What quantization-aware training may be asked for."""

from __future__ import annotations

import dataclasses
import enum

from tflm_patch.errors import TflmPatchError


class RangeMode(enum.Enum):
  """Where the ranges of activations come from while training."""

  AVERAGED = 'averaged'
  LEARNED = 'learned'


@dataclasses.dataclass(frozen=True)
class QuantizationAwareOptions:
  """Options of `QuantizationAware`.

  Attributes:
    ranges: Moving averages of the extremes of batches, or learned by gradients.
    momentum: What a batch leaves of the average before it.
    freeze_ranges_epoch: The epoch, from 0, at whose beginning the averages stop.
    freeze_ranges_step: The training step at which they stop at the latest; None for none.
    freeze_statistics_epoch: The epoch at whose beginning the moving statistics of batch
      normalization stop. While they move, every step runs the float model, too.
    per_channel: Weights have a scale per output channel.
  """

  ranges: RangeMode = RangeMode.AVERAGED
  momentum: float = 0.99
  freeze_ranges_epoch: int = 1
  freeze_ranges_step: int | None = None
  freeze_statistics_epoch: int = 0
  per_channel: bool = True

  def __post_init__(self) -> None:
    if not 0 <= self.momentum < 1:
      raise TflmPatchError(f'momentum {self.momentum:g} is not at least 0 and below 1')
    for name in ('freeze_ranges_epoch', 'freeze_ranges_step', 'freeze_statistics_epoch'):
      value = getattr(self, name)
      if value is not None and value < 0:
        raise TflmPatchError(f'{name} is {value}; give 0 or more')


DEFAULT = QuantizationAwareOptions()
