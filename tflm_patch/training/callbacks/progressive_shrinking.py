# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Progressive shrinking of Once-for-all (Cai et al., arXiv 1908.09791)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.elastic.model import ElasticModel, Slot
from tflm_patch.training.elastic.ordering import sort_channels
from tflm_patch.training.elastic.space import Column


@dataclasses.dataclass(frozen=True)
class Phase:
  """A part of the training.

  Attributes:
    epochs: How long it is; the last phase goes on to the end.
    kernels, depths, expansions: How many of their options, from the largest on, may be drawn;
      None for all.
    learning_rate: Set when it begins; None to leave the rate as it is.
  """

  epochs: int
  kernels: int | None = 1
  depths: int | None = 1
  expansions: int | None = 1
  learning_rate: float | None = None

  def __post_init__(self) -> None:
    for value in (self.epochs, self.kernels, self.depths, self.expansions):
      if value is not None and value < 1:
        raise TflmPatchError('epochs and numbers of options of a phase are at least 1')

  def count(self, column: Column, options: int) -> int:
    """How many options a group of a space may draw from."""
    wanted = {
      Column.KERNEL: self.kernels,
      Column.ACTIVE: self.depths,
      Column.INNER: self.expansions,
    }.get(column)
    return options if wanted is None else min(wanted, options)

  @property
  def is_whole(self) -> bool:
    """Whether the whole network alone trains."""
    return (self.kernels, self.depths, self.expansions) == (1, 1, 1)


def once_for_all(epochs: int) -> tuple[Phase, ...]:
  """The published order: the whole network, kernels, depths in two steps, expansions in two.

  Args:
    epochs: Of the whole training, at least 6; the first phase has a good third of them.
  """
  if epochs < 6:
    raise TflmPatchError(f'{epochs} epochs are less than the six phases')
  short = max(1, epochs // 12)
  long = max(1, (epochs - 2 * short) // 5)
  first = epochs - 2 * short - 3 * long
  return (
    Phase(first),
    Phase(long, kernels=None),
    Phase(short, kernels=None, depths=2),
    Phase(long, kernels=None, depths=None),
    Phase(short, kernels=None, depths=None, expansions=2),
    Phase(long, kernels=None, depths=None, expansions=None),
  )


class ProgressiveShrinking(keras.callbacks.Callback):
  """Opens the options of an `ElasticModel` phase by phase.

  Before expansions shrink, channels are put in order, the strongest first. While the whole
  network alone trains, a step runs it once. `logs['shrinking_phase']` counts from 0.

  Args:
    phases: In order, see `once_for_all`.
  """

  def __init__(self, phases: Sequence[Phase]) -> None:
    super().__init__()
    if not phases:
      raise TflmPatchError('progressive shrinking needs a phase')
    self.phases = tuple(phases)

  def phase_of(self, epoch: int) -> tuple[int, bool]:
    """The number of the phase of an epoch, and whether it begins there."""
    first = 0
    for number, phase in enumerate(self.phases):
      is_last = number == len(self.phases) - 1
      if epoch < first + phase.epochs or is_last:
        return number, epoch == first
      first += phase.epochs
    raise AssertionError

  def on_train_begin(self, logs: Any = None) -> None:
    if not isinstance(self.model, ElasticModel):
      raise TflmPatchError(
        f'{self.model.name}: ProgressiveShrinking drives an ElasticModel; make one of a space'
      )

  def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
    number, begins = self.phase_of(epoch)
    phase = self.phases[number]
    model = self.model
    model.open([phase.count(group.column, group.count) for group in model.space.groups])
    model.use_slots((Slot.FIRST,) if phase.is_whole else model.options.slots)
    if not begins:
      return
    closed = number == 0 or self.phases[number - 1].expansions == 1
    if closed and phase.expansions != 1:
      sort_channels(model.network)
    if phase.learning_rate is not None:
      model.optimizer.learning_rate = phase.learning_rate

  def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
    if logs is not None:
      logs['shrinking_phase'] = self.phase_of(epoch)[0]
