# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How a network is trained, and what it may take."""

from __future__ import annotations

import dataclasses
import enum
import math

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.data.augmentation import SLIGHT, Augmentation

DEFAULT_EPOCHS = 60


class Optimizer(str, enum.Enum):
  """What updates the weights."""

  SGD = 'sgd'  # Nesterov, momentum 0.9
  ADAMW = 'adamw'


# Rates that fit batches of 64 with normalization; decoupled decay: with a momentum of 0.9 that
# of SGD equals an L2 penalty of a tenth of it (Loshchilov and Hutter, arXiv 1711.05101).
_RATES = {Optimizer.SGD: 0.1, Optimizer.ADAMW: 0.002}
_DECAYS = {Optimizer.SGD: 0.005, Optimizer.ADAMW: 0.05}


@dataclasses.dataclass(frozen=True)
class Budgets:
  """What the model may take on its chip; None for no limit.

  Attributes:
    arena_bytes: Of TFLM's arena, the input counted.
    flash_bytes: Of the converted file.
    input_rows: The model takes its input in bands of so many rows, and the arena never
      holds the whole input.
    adapt_bytes: Of a training step on the chip, all counted; see `prepare_adaptation`.
  """

  arena_bytes: int | None = None
  flash_bytes: int | None = None
  input_rows: int | None = None
  adapt_bytes: int | None = None


@dataclasses.dataclass(frozen=True)
class TrainOptions:
  """How a network is trained.

  The learning rate rises for the first `warmup` of the training and falls to 0 along a
  cosine; how far the training is, is the largest of the shares that are used of `epochs`,
  `minutes` and `cpu_minutes`.

  Attributes:
    epochs: At most so many; None for 60, or without limit where minutes are given.
    minutes: At most so many of wall time, resumed runs added up.
    cpu_minutes: At most so many of the process's CPU time, all threads together.
    batch_size: Of a step.
    optimizer: An `Optimizer` or its value.
    learning_rate: The highest; None for 0.1 (sgd), 0.002 (adamw).
    weight_decay: Decoupled, of kernels only; None for 0.005 (sgd), 0.05 (adamw).
    warmup: Part of the training.
    label_smoothing: Of the targets of classes.
    average: Decay of a step of the weights' exponential moving average, which is what is
      measured and kept; 0 for none.
    dropout: Before the classifier.
    augmentation: Of images.
    start_scale: Sides of training images at the beginning, as a part of the whole; they grow
      in two steps. Small images take less time, so that there are more epochs.
    seed: Of weights, shuffles, augmentation and split.
    threads: Of the backend; None for its own choice.
    qat_epochs: Epochs of quantization-aware training at the end, beyond `epochs` and minutes.
    checkpoint_seconds: No more than so many are lost when the process is killed.

  Raises:
    TflmPatchError: a value that means nothing.
  """

  epochs: int | None = None
  minutes: float | None = None
  cpu_minutes: float | None = None
  batch_size: int = 64
  optimizer: Optimizer = Optimizer.SGD
  learning_rate: float | None = None
  weight_decay: float | None = None
  warmup: float = 0.05
  label_smoothing: float = 0.0
  average: float = 0.99
  dropout: float = 0.0
  augmentation: Augmentation = SLIGHT
  start_scale: float = 1.0
  seed: int = 1
  threads: int | None = None
  qat_epochs: int = 0
  checkpoint_seconds: float = 60.0

  def __post_init__(self) -> None:
    try:
      object.__setattr__(self, 'optimizer', Optimizer(self.optimizer))
    except ValueError:
      known = ', '.join(each.value for each in Optimizer)
      raise TflmPatchError(
        f'optimizer cannot be {self.optimizer!r}; choose one of {known}'
      ) from None
    for name in ('epochs', 'minutes', 'cpu_minutes', 'batch_size', 'learning_rate', 'threads'):
      value = getattr(self, name)
      if value is not None and not (value > 0 and math.isfinite(value)):
        raise TflmPatchError(f'{name} is {value}; it must be above 0')
    for name in ('warmup', 'label_smoothing', 'average', 'dropout'):
      if not 0 <= getattr(self, name) < 1:
        raise TflmPatchError(f'{name} is {getattr(self, name)}; it is from 0 to below 1')
    if not 0 < self.start_scale <= 1:
      raise TflmPatchError(f'start_scale is {self.start_scale}; it is above 0, and at most 1')
    for name in ('qat_epochs', 'seed', 'weight_decay'):
      if (getattr(self, name) or 0) < 0:
        raise TflmPatchError(f'{name} is {getattr(self, name)}; it must not be below 0')

  @property
  def rate(self) -> float:
    """The highest learning rate."""
    return _RATES[self.optimizer] if self.learning_rate is None else self.learning_rate

  @property
  def decay(self) -> float:
    """Weight decay."""
    return _DECAYS[self.optimizer] if self.weight_decay is None else self.weight_decay

  @property
  def most_epochs(self) -> float:
    """The limit of epochs; infinite where only time is limited."""
    if self.epochs is not None:
      return self.epochs
    return DEFAULT_EPOCHS if self.minutes is None and self.cpu_minutes is None else math.inf

  def progress(self, epochs: float, seconds: float, cpu_seconds: float) -> float:
    """How far a training is, from 0 to 1.

    Args:
      epochs: Done, parts counted.
      seconds: Of wall time used.
      cpu_seconds: Of CPU time used.
    """
    shares = [epochs / self.most_epochs]
    if self.minutes is not None:
      shares.append(seconds / (60 * self.minutes))
    if self.cpu_minutes is not None:
      shares.append(cpu_seconds / (60 * self.cpu_minutes))
    return min(max(shares), 1.0)

  def rate_at(self, progress: float) -> float:
    """The learning rate at a point of the training (cosine, arXiv 1608.03983)."""
    if progress < self.warmup:
      return self.rate * max(progress / self.warmup, 0.01)
    part = (progress - self.warmup) / (1 - self.warmup)
    return self.rate * 0.5 * (1 + math.cos(math.pi * part))


DEFAULT = TrainOptions()
NO_BUDGETS = Budgets()
