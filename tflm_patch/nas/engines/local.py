# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The engine of this process: one candidate after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflm_patch.architecture.spec import Spec
from tflm_patch.nas.engines.base import Training
from tflm_patch.nas.fitness import Effort, Fitness
from tflm_patch.nas.surroundings import Surroundings


class Local:
  """See the module.

  Args:
    search: What is worked for.
    fitness: That judges.
  """

  def __init__(self, search: Surroundings, fitness: Fitness) -> None:
    del search
    self._fitness = fitness

  def scores(self, specs: Sequence[Spec], effort: Effort) -> Iterator[float]:
    """See `Engine`: each when it is taken."""
    for spec in specs:
      (score,) = self._fitness.evaluate([spec], effort)
      yield score

  def train(self, trainings: Sequence[Training]) -> None:
    """See `Engine`: what converts the finalists trains them here."""
    del trainings

  def close(self) -> None:
    """See `Engine`."""
