# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Accuracy of candidates with the weights that they inherit from a supernet.

The supernet is trained before the first candidate is judged; then a candidate takes about a
second. A search that is resumed goes on with its training, or takes the trained one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tflm_patch.architecture.spec import Spec
from tflm_patch.nas.fitness import Effort
from tflm_patch.nas.options import SEARCH_SHARE
from tflm_patch.nas.surroundings import Surroundings
from tflm_patch.training import backend
from tflm_patch.training.inheritance import Teacher

if TYPE_CHECKING:
  from tflm_patch.nas.supernet import InheritedAccuracy

FOLDER = 'supernet'
# Of the minutes for candidates.
_SHARE = 0.8
# Without minutes, as many trainings of one candidate.
_TRAININGS = 10


class Inherited:
  """See the module.

  Args:
    search: What is judged for.
  """

  def __init__(self, search: Surroundings) -> None:
    self._search = search
    self._judge: InheritedAccuracy | None = None

  def evaluate(self, specs: Sequence[Spec], budget: Effort) -> Sequence[float]:
    """See `Fitness`; the first call trains.

    Raises:
      TflmPatchError: data that cannot be read, or networks of no supernet.
      EnvironmentMissing: Keras or a backend is not installed.
    """
    return self._made(budget).evaluate(specs, budget)

  def weights_of(self, spec: Spec, budget: Effort) -> list[np.ndarray]:
    """See `HasWeights`; as it was judged, batch normalization recalibrated."""
    return self._made(budget).weights_of(spec)

  def teacher_of(self, spec: Spec, budget: Effort) -> Teacher:
    """See `Teaches`: the supernet's largest network."""
    return self._made(budget).teacher_of(spec)

  def _made(self, budget: Effort) -> InheritedAccuracy:
    if self._judge is None:
      self._judge = self._trained(budget)
    return self._judge

  def _trained(self, budget: Effort) -> InheritedAccuracy:
    keras = backend.prepare(budget.threads)
    from tflm_patch.nas import supernet  # loads Keras

    search, how = self._search, self._search.options
    dataset = search.data.divided(max(search.space.inputs, key=lambda shape: shape[0] * shape[1]))
    training = dataclasses.replace(
      budget.training,
      epochs=None if how.has_time else _TRAININGS * budget.epochs,
      minutes=_of_training(how.minutes),
      cpu_minutes=_of_training(how.cpu_minutes),
      batch_size=budget.batch_size,
      seed=budget.seed,
      threads=budget.threads,
      average=0.0,
      start_scale=1.0,
      qat_epochs=0,
    )
    keras.utils.set_random_seed(budget.seed)
    shared = supernet.Supernet(search.space)
    folder = None if search.folder is None else search.folder / FOLDER
    options = supernet.SupernetOptions(training)
    supernet.train_supernet(shared, dataset, options, folder, search.progress)
    return supernet.InheritedAccuracy(shared, dataset, progress=search.progress)


def _of_training(minutes: float | None) -> float | None:
  """What the supernet has of the minutes of a search."""
  return None if minutes is None else _SHARE * SEARCH_SHARE * minutes
