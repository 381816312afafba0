# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A trained model made ready to learn on the chip: `tflm-patch train --adapt-memory`.

What it will learn there is not known yet. So the classes that are known stand for the ones to
come: a new last layer learns them again, from some of the training examples. The layers that help
it most within the memory are chosen, and the learning rate that suits them, as `adapt` does with
data of the user's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tflm_patch.architecture import Spec, to_graph
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model
from tflm_patch.on_device.memory import TrainingPlanner
from tflm_patch.on_device.options import TrainingOptions
from tflm_patch.on_device.scheme import Loss, Scheme
from tflm_patch.on_device.simulation.adaptation import Adaptation, AdaptOptions, adapt
from tflm_patch.on_device.simulation.choices import Space
from tflm_patch.on_device.simulation.data import Samples
from tflm_patch.on_device.simulation.network import Network
from tflm_patch.on_device.simulation.search import Search
from tflm_patch.training.adaptation_data import samples_of
from tflm_patch.training.data.dataset import Task
from tflm_patch.training.options import Budgets
from tflm_patch.training.result import TrainResult

_EXAMPLES = 400  # that are learned from, and that are judged by
_EPOCHS = 5


def check_adaptation(
  subject: Spec | Model, budgets: Budgets, task: Task = Task.CLASSIFICATION
) -> None:
  """Whether a chip can train anything of a model, said before the first epoch.

  Args:
    subject: A spec, or the int8 graph of an untrained network.
    budgets: `adapt_bytes` is what a training step may take.
    task: Of the data.

  Raises:
    TflmPatchError: it cannot; says what the least is.
  """
  if budgets.adapt_bytes is None:
    return
  _check_task(task)
  model = to_graph(subject) if isinstance(subject, Spec) else subject
  planner = TrainingPlanner(model, TrainingOptions(input_rows=budgets.input_rows))

  def memory(scheme: Scheme) -> int:
    return planner.memory(scheme).total

  space = Space.of(Network(model), Loss.CROSS_ENTROPY, True)
  Search(space, memory, budgets.adapt_bytes, planner.lower_bound).deepest()


def prepare_adaptation(
  result: TrainResult, progress: Callable[[str], None] = lambda text: None
) -> Adaptation:
  """What a chip should train of a trained model, within `Budgets.adapt_bytes`.

  Args:
    result: Of `train`, of classes.
    progress: Gets lines of text.

  Returns:
    Its `model` is the trained one, with the last layer that it has; its figures are those of a
    new last layer that learns the same classes.

  Raises:
    TflmPatchError: the data are none of classes, or the memory is too small.
  """
  dataset, memory = result.dataset, result.budgets.adapt_bytes
  _check_task(dataset.task)
  if memory is None:
    raise TflmPatchError('give Budgets(adapt_bytes=...), what a training step may take')
  model = result.quantized.model
  options = AdaptOptions(
    memory=memory,
    classes=len(dataset.classes),
    training=TrainingOptions(input_rows=result.budgets.input_rows),
    epochs=_EPOCHS,
    finalists=1,
    seed=result.options.seed,
  )
  train, test = (
    _some(samples_of(dataset, part, model), options.seed) for part in (dataset.train, dataset.test)
  )
  found = adapt(model, train, test, options, progress)
  return dataclasses.replace(found, model=model)


def _check_task(task: Task) -> None:
  if task is not Task.CLASSIFICATION:
    raise TflmPatchError(
      f'a chip adapts models of classes, and this one is for {task.value}; leave out the memory '
      'for adaptation (--adapt-memory)'
    )


def _some(samples: Samples, seed: int) -> Samples:
  order = np.random.default_rng(seed).permutation(len(samples))
  return samples.chosen(np.sort(order[:_EXAMPLES]))
