# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Accuracy of candidates with the weights that they inherit from a supernet.

The supernet is trained before the first candidate is judged; then a candidate takes about a
second. A search that is resumed goes on with its training, or takes the trained one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tflm_patch.architecture.spec import Spec
from tflm_patch.nas.fitness import Effort, Fitness
from tflm_patch.nas.options import SEARCH_SHARE
from tflm_patch.nas.surroundings import Surroundings
from tflm_patch.training import backend

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
    self._judge: Fitness | None = None

  def evaluate(self, specs: Sequence[Spec], budget: Effort) -> Sequence[float]:
    """See `Fitness`; the first call trains.

    Raises:
      TflmPatchError: data that cannot be read, or networks of no supernet.
      EnvironmentMissing: Keras or a backend is not installed.
    """
    if self._judge is None:
      self._judge = self._trained(budget)
    return self._judge.evaluate(specs, budget)

  def _trained(self, budget: Effort) -> Fitness:
    keras = backend.prepare(budget.threads)
    from tflm_patch.nas import supernet  # loads Keras

    search, minutes = self._search, self._search.options.minutes
    dataset = search.data.divided(max(search.space.inputs, key=lambda shape: shape[0] * shape[1]))
    training = dataclasses.replace(
      budget.training,
      epochs=_TRAININGS * budget.epochs if minutes is None else None,
      minutes=None if minutes is None else _SHARE * SEARCH_SHARE * minutes,
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
