# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a search asks of the machines that it runs on."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from tflm_patch.architecture.spec import Spec
from tflm_patch.nas.fitness import Effort
from tflm_patch.training.options import TrainOptions


@dataclasses.dataclass(frozen=True)
class Training:
  """A finalist that is to be trained.

  Attributes:
    rank: From 1 on.
    spec: The network.
    options: How.
    folder: Of its checkpoints.
    weights: Makes what it begins with, see `train`; None for chance.
  """

  rank: int
  spec: Spec
  options: TrainOptions
  folder: pathlib.Path
  weights: Callable[[], Sequence[np.ndarray]] | None = None


class Engine(Protocol):
  """Does the work of a search; what it gives depends on what is asked alone."""

  def scores(self, specs: Sequence[Spec], effort: Effort) -> Iterator[float]:
    """Scores of candidates, in their order; what was not taken when it is closed is given up.

    Raises:
      TflmPatchError: they cannot be judged.
    """
    ...

  def train(self, trainings: Sequence[Training]) -> None:
    """Trains as far as another machine can: checkpoints in the folders say how far.

    Raises:
      TflmPatchError: it cannot be done.
    """
    ...

  def close(self) -> None:
    """Lets go of what it uses."""
    ...
