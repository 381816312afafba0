# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Trains a supernet: the largest network first, then all of them by the sandwich rule."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tflm_patch.architecture.text import format_head
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.space_json import space_to_json
from tflm_patch.nas.supernet.calibration import calibration_samples
from tflm_patch.nas.supernet.engine import Loss
from tflm_patch.nas.supernet.options import DEFAULT, SupernetOptions
from tflm_patch.nas.supernet.shared_space import Candidate
from tflm_patch.nas.supernet.supernet import Supernet
from tflm_patch.training.checkpoint import State
from tflm_patch.training.data.dataset import Dataset, Task
from tflm_patch.training.detection.boxes import FIELDS
from tflm_patch.training.elastic.ordering import sort_channels
from tflm_patch.training.loop import Loop, make_optimizer
from tflm_patch.training.options import TrainOptions
from tflm_patch.training.phases import settings_of

LARGEST, ALL, WEIGHTS = 'largest.npz', 'all.npz', 'supernet.npz'

Progress = Callable[[str], None]
Chooser = Callable[[int], Sequence[Candidate]]


@dataclasses.dataclass(frozen=True)
class SupernetTraining:
  """What a training took.

  Attributes:
    seconds, cpu_seconds: Of both phases, resumed runs added up.
    epochs: Of both phases.
  """

  seconds: float
  cpu_seconds: float
  epochs: int


class Learner:
  """A supernet as the training loop sees it; a step trains several sub-networks.

  Args:
    supernet: It has the weights.
    options: How.
    training: Of this phase.
    choose: The sub-networks of a step, by its number; the first one is the largest.
  """

  def __init__(
    self, supernet: Supernet, options: SupernetOptions, training: TrainOptions, choose: Chooser
  ) -> None:
    self._supernet, self._soft, self._choose = supernet, options.soft, choose
    # Statistics of normalization are those of no network: they are left out.
    self.weights = self.variables = list(supernet.network.trainable_weights)
    self.optimizer = make_optimizer(self.weights, training)
    self.stop_training = False

  def reset_metrics(self) -> None:
    """There are none."""

  def train_on_batch(self, inputs: np.ndarray, targets: np.ndarray) -> float:
    """A step; the loss of the largest network."""
    engine = self._supernet.engine
    chosen = self._choose(int(self.optimizer.iterations))
    teacher, first = None, 0.0
    for candidate in chosen:
      loss, outputs = engine.gradients(
        inputs, targets, candidate.table, candidate.size, teacher, self._soft
      )
      if teacher is None:
        teacher, first = outputs, loss
    engine.step(self.optimizer, len(chosen))
    return first

  def predict_on_batch(self, inputs: np.ndarray) -> np.ndarray:
    """The largest network's outputs, with the statistics that are set."""
    largest = self._supernet.shared.largest_candidate
    return self._supernet.engine.run(inputs, largest.table, largest.size, statistics=False)


def _recalibrating(supernet: Supernet, samples: np.ndarray) -> Any:
  """A callback that gives the largest network its statistics before it is measured.

  Those of the examples that are measured on would not do: they may come class by class.
  """
  import keras

  class Recalibrating(keras.callbacks.Callback):
    """See above."""

    def on_predict_begin(self, logs: Any = None) -> None:
      del logs
      supernet.recalibrate(supernet.shared.largest_candidate, samples)

  return Recalibrating()


def train_supernet(
  supernet: Supernet,
  dataset: Dataset,
  options: SupernetOptions = DEFAULT,
  folder: str | os.PathLike[str] | None = None,
  progress: Progress = lambda text: None,
) -> SupernetTraining:
  """Trains a supernet; a folder that holds a part of the same training is gone on with.

  A training that is limited by epochs gives the same weights whether it was interrupted or
  not: batches and sub-networks are functions of the seed and the step.

  Args:
    supernet: Untrained; has the weights afterwards, and the largest network's statistics.
    dataset: In the size of the largest network. The held-out part is only measured on.
    options: How.
    folder: Of checkpoints, and the supernet at the end; None for none.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: the data are of another shape, a checkpoint is damaged or of another
      training, the loss is not finite, a file cannot be written.
  """
  _check(supernet, dataset)
  supernet.learn_from(loss_for(supernet, dataset, options))
  first, rest = options.phases()
  place = None if folder is None else _made(folder)
  settings = _settings(supernet, dataset, options)
  told = [_recalibrating(supernet, calibration_samples(dataset))]
  done: list[State] = []
  if first is not None:
    done.append(_largest_first(supernet, dataset, options, first, place, settings, told, progress))
    sort_channels(supernet.network)
  shared, seed = supernet.shared, options.training.seed

  def choose(step: int) -> list[Candidate]:
    rng = random.Random(f'{seed}:{step}')
    drawn = [shared.sample(rng) for _ in range(options.random)]
    return [shared.largest_candidate, *drawn, shared.smallest_candidate]

  learner = Learner(supernet, options, rest, choose)
  path = None if place is None else place / ALL
  done.append(_run(learner, dataset, rest, settings, path, told, progress, 'Epoch of all'))
  supernet.recalibrate(shared.largest_candidate, calibration_samples(dataset))
  if place is not None:
    supernet.save(place / WEIGHTS)
  return SupernetTraining(
    seconds=sum(each.seconds for each in done),
    cpu_seconds=sum(each.cpu_seconds for each in done),
    epochs=sum(each.epoch for each in done),
  )


def loss_for(supernet: Supernet, dataset: Dataset, options: SupernetOptions) -> Loss:
  """What a supernet learns from, by the data and the options."""
  return Loss(
    probability=supernet.space.head.softmax,
    classes=dataset.task is Task.CLASSIFICATION,
    smoothing=options.training.label_smoothing,
    temperature=options.temperature,
    boxes=dataset.task is Task.DETECTION,
  )


def _largest_first(
  supernet: Supernet,
  dataset: Dataset,
  options: SupernetOptions,
  training: TrainOptions,
  place: pathlib.Path | None,
  settings: dict[str, Any],
  told: Sequence[Any],
  progress: Progress,
) -> State:
  largest = [supernet.shared.largest_candidate]
  learner = Learner(supernet, options, training, lambda step: largest)
  path = None if place is None else place / LARGEST
  return _run(learner, dataset, training, settings, path, told, progress, 'Epoch of the largest')


def _run(
  learner: Learner,
  dataset: Dataset,
  training: TrainOptions,
  settings: dict[str, Any],
  path: pathlib.Path | None,
  told: Sequence[Any],
  progress: Progress,
  label: str,
) -> State:
  loop = Loop(learner, dataset, training, settings, path, told, progress, label)
  if path is not None and path.exists():
    loop.resume()
  return loop.run()


def _made(folder: str | os.PathLike[str]) -> pathlib.Path:
  place = pathlib.Path(folder)
  try:
    place.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise TflmPatchError(
      f'{place}: cannot be made ({error.strerror}); choose another output folder'
    ) from None
  return place


def _settings(supernet: Supernet, dataset: Dataset, options: SupernetOptions) -> dict[str, Any]:
  own = {
    field.name: getattr(options, field.name)
    for field in dataclasses.fields(options)
    if field.name != 'training'
  }
  return {
    **settings_of(supernet.space.name, dataset, options.training),
    **own,
    'space': space_to_json(supernet.space),
  }


def _check(supernet: Supernet, dataset: Dataset) -> None:
  wanted, found = supernet.network.reads, dataset.input_shape
  if tuple(found) != tuple(wanted):
    raise TflmPatchError(
      f'the data are {list(found)}; the largest network of the space "{supernet.space.name}" '
      f'takes {list(wanted)}: read them in that size'
    )
  outputs = dataset.outputs + (FIELDS if dataset.task is Task.DETECTION else 0)
  if outputs != supernet.network.outputs:
    raise TflmPatchError(
      f"the data have {outputs} outputs, the space's head "
      f'"{format_head(supernet.space.head)}" has {supernet.network.outputs}; change the head'
    )
