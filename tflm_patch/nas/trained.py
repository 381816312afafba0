# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The fitness that trains: what a network learns in a few epochs."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Sequence

import numpy as np

from tflm_patch.architecture.spec import Spec
from tflm_patch.architecture.text import format_spec
from tflm_patch.nas.chance import seed_of
from tflm_patch.nas.data import SearchData, share_of
from tflm_patch.nas.fitness import Effort
from tflm_patch.training import backend
from tflm_patch.training.data.dataset import Dataset
from tflm_patch.training.evaluation import score_of
from tflm_patch.training.loop import Diverged, Loop, compile_model

_NORM_MOMENTUM = 0.9  # moving averages as short as the training


class Trained:
  """The score after a short training: of a regression the negative mean error.

  On the training examples that were kept back. Shuffles, weights and augmentation are
  functions of the seed and of the spec.

  Args:
    data: Examples.
  """

  def __init__(self, data: SearchData) -> None:
    self._data = data

  def evaluate(self, specs: Sequence[Spec], budget: Effort) -> list[float]:
    """See `Fitness`.

    Raises:
      TflmPatchError: data that cannot be read.
      EnvironmentMissing: Keras or a backend is not installed.
    """
    return [self._one(spec, budget) for spec in specs]

  def _one(self, spec: Spec, budget: Effort) -> float:
    keras = backend.prepare(budget.threads)
    from tflm_patch.models.builder import BuildOptions, build  # loads Keras

    dataset = share_of(self._data.divided(spec.input_shape), budget.share, budget.seed)
    seed = seed_of('trained', budget.seed, format_spec(spec))
    options = dataclasses.replace(
      budget.training,
      epochs=budget.epochs,
      minutes=None,
      cpu_minutes=None,
      batch_size=budget.batch_size,
      seed=seed,
      average=_average(dataset, budget),
    )
    keras.utils.set_random_seed(seed)
    model = build(spec, BuildOptions(momentum=_NORM_MOMENTUM, dropout=options.dropout))
    compile_model(model, model, dataset, options)
    try:
      Loop(model, dataset, options, settings={}).run()
      score = score_of(model, dataset, dataset.test.inputs, dataset.test.targets)
    except Diverged:
      score = _of_nothing_learned(dataset)
    del model
    keras.utils.clear_session(free_memory=False)
    gc.collect()
    return score if dataset.task.more_is_better else -score


def _of_nothing_learned(dataset: Dataset) -> float:
  """A score that any training is likely to beat."""
  if dataset.task.more_is_better:
    return 0.0
  targets = np.asarray(dataset.test.targets, np.float64)
  return 10 * float(np.abs(targets - targets.mean(axis=0)).mean())


def _average(dataset: Dataset, budget: Effort) -> float:
  """The decay of the weights' moving average: over the last epoch or so, at most 0.99."""
  steps = max(1, len(dataset.train) // budget.batch_size)
  return min(0.99, max(0.0, 1 - 3 / steps))
