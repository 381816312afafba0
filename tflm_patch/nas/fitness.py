# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How promising an architecture is: what a search asks of every candidate.

A fitness gives a number for each spec, larger ones for better networks. It may train, look
at untrained networks, or take the weights of a network that contains all of them; the search
does not care which.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from tflm_patch.architecture.spec import Spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.training.inheritance import Teacher
from tflm_patch.training.options import DEFAULT, TrainOptions


@dataclasses.dataclass(frozen=True)
class Effort:
  """What judging one candidate may cost; a fitness takes of it what it understands.

  Attributes:
    epochs: Of training.
    share: Of the training examples, above 0 and at most 1.
    batch_size: Of training, and of the batches that are looked at.
    seed: Of weights, shuffles and choices.
    threads: Of the backend; None for its own choice. With one a search is the same every time.
    training: How networks are trained otherwise: optimizer, rate, augmentation.

  Raises:
    TflmPatchError: a value that means nothing.
  """

  # A proxy of 3 epochs on 30 % of the data ranks networks as whole trainings do with a Spearman
  # correlation of 0.71, one epoch with 0.18 (ENAS 2026).
  epochs: int = 3
  share: float = 1.0
  batch_size: int = 32
  seed: int = 1
  threads: int | None = None
  training: TrainOptions = DEFAULT

  def __post_init__(self) -> None:
    for name in ('epochs', 'batch_size', 'threads'):
      value = getattr(self, name)
      if value is not None and value < 1:
        raise TflmPatchError(f'{name} is {value}; it must be at least 1')
    if not 0 < self.share <= 1:
      raise TflmPatchError(f'share is {self.share}; it is above 0, and at most 1')


DEFAULT_EFFORT = Effort()


class Fitness(Protocol):
  """Judges architectures."""

  def evaluate(self, specs: Sequence[Spec], budget: Effort) -> Sequence[float]:
    """A number for each spec, larger for better networks.

    The number of a spec depends on the spec and the budget, not on what was asked before:
    a search that was killed goes on as if it had not been.

    Raises:
      TflmPatchError: they cannot be judged.
    """
    ...


@runtime_checkable
class HasWeights(Protocol):
  """A fitness that has weights for the networks that it judges."""

  def weights_of(self, spec: Spec, budget: Effort) -> list[np.ndarray]:
    """The weights that a network was judged with, as `get_weights` of Keras gives them.

    Raises:
      TflmPatchError: they cannot be made.
    """
    ...


@runtime_checkable
class Teaches(Protocol):
  """A fitness that has a network which can teach those that it judges."""

  def teacher_of(self, spec: Spec, budget: Effort) -> Teacher:
    """A teacher for inputs of a network; it may be asked until another call of the fitness.

    Raises:
      TflmPatchError: there is none for these data.
    """
    ...
