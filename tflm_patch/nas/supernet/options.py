# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How a supernet is trained."""

from __future__ import annotations

import dataclasses
import math

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.options import TrainOptions

_DEFAULT_TRAINING = TrainOptions(average=0.0)


@dataclasses.dataclass(frozen=True)
class SupernetOptions:
  """How a supernet is trained.

  Attributes:
    training: Epochs, minutes, rates, batches, augmentation, seed: of both phases together.
    largest_share: Part of them in which the largest network trains alone, before its channels
      are sorted.
    random: Sub-networks by chance in every later step, beside the largest and the smallest
      (the sandwich rule, arXiv 1903.05134).
    soft: Part of the loss of smaller networks that is against what the largest one says
      (in-place distillation); the rest is against the targets.
    temperature: Of these soft labels.

  Raises:
    TflmPatchError: a value that means nothing.
  """

  training: TrainOptions = _DEFAULT_TRAINING
  largest_share: float = 0.3
  random: int = 2
  soft: float = 0.5
  temperature: float = 1.0

  def __post_init__(self) -> None:
    for name in ('largest_share', 'soft'):
      if not 0 <= getattr(self, name) <= 1:
        raise TflmPatchError(f'{name} is {getattr(self, name)}; it is from 0 to 1')
    if self.largest_share == 1:
      raise TflmPatchError('largest_share is 1; leave a part of the training to smaller networks')
    if self.random < 0:
      raise TflmPatchError(f'random is {self.random}; it must not be below 0')
    if not (self.temperature > 0 and math.isfinite(self.temperature)):
      raise TflmPatchError(f'temperature is {self.temperature}; it must be above 0')
    training = self.training
    if training.start_scale != 1 or training.qat_epochs or training.dropout:
      raise TflmPatchError(
        'supernets have resolutions of their own, train in float and without dropout; leave '
        'start_scale at 1, qat_epochs and dropout at 0'
      )

  def phases(self) -> tuple[TrainOptions | None, TrainOptions]:
    """The options of the largest network's training, and of that of all."""
    whole, share = self.training, self.largest_share
    if share == 0:
      return None, whole
    first = None if whole.epochs is None else round(share * whole.epochs)
    if whole.epochs is not None and not 0 < (first or 0) < whole.epochs:
      raise TflmPatchError(
        f'{whole.epochs} epochs cannot be divided at {share:g}; give more epochs or largest_share 0'
      )
    rest = None if whole.epochs is None or first is None else whole.epochs - first
    return _part(whole, share, first), _part(whole, 1 - share, rest)


def _part(whole: TrainOptions, share: float, epochs: int | None) -> TrainOptions:
  return dataclasses.replace(
    whole,
    epochs=epochs,
    minutes=None if whole.minutes is None else share * whole.minutes,
    cpu_minutes=None if whole.cpu_minutes is None else share * whole.cpu_minutes,
  )


DEFAULT = SupernetOptions()
