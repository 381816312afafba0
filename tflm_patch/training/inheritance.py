# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a training has from another network: weights, and a teacher."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError

# Of inputs, as the network takes them, what the targets might be: float32[n, outputs].
Teacher = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Inheritance:
  """See the module.

  Attributes:
    weights: That the training begins with, as the `get_weights` of the spec's network gives
      them; None for those of the model, or for chance.
    teacher: Says what targets might be: probabilities of classes, or numbers; None for none.
    share: Of the teacher in the targets; the loss, which is linear in them, has as much of what
      the teacher says (distillation, arXiv 1503.02531, at a temperature of 1).

  Raises:
    TflmPatchError: a share without a teacher, or none with one.
  """

  weights: Sequence[np.ndarray] | None = None
  teacher: Teacher | None = None
  share: float = 0.0

  def __post_init__(self) -> None:
    if not 0 <= self.share <= 1 or (self.share > 0) != (self.teacher is not None):
      raise TflmPatchError(
        f'a share of {self.share:g} of a teacher: it is above 0 and at most 1, or 0 without one'
      )

  def begin(self, model: Any, name: str) -> None:
    """Gives a Keras model the weights.

    Args:
      model: The network.
      name: Its, for messages.

    Raises:
      TflmPatchError: they are those of another network.
    """
    if self.weights is None:
      return
    wanted = [tuple(each.shape) for each in model.weights]
    if [np.shape(each) for each in self.weights] != wanted:
      raise TflmPatchError(f'{name}: the weights to begin with are those of another network')
    model.set_weights(list(self.weights))

  def targets(self, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """What a batch is learned from.

    Args:
      inputs: float32[n, rows, columns, channels].
      targets: float32[n, outputs].
    """
    if self.teacher is None:
      return targets
    said = self.teacher(inputs)
    return ((1 - self.share) * targets + self.share * said).astype(np.float32)

  @property
  def settings(self) -> dict[str, Any]:
    """What must not change when the training is resumed."""
    return {'taught': self.share} if self.share else {}


NOTHING = Inheritance()
