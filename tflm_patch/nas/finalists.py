# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The end of a search: the best candidates are trained, converted and measured in TFLM."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np

from tflm_patch.architecture.spec import Spec
from tflm_patch.architecture.text import parse_spec
from tflm_patch.errors import EnvironmentMissing
from tflm_patch.export import ExportOptions, export
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.engines.base import Training
from tflm_patch.nas.objectives import Objectives
from tflm_patch.nas.options import SearchOptions
from tflm_patch.nas.outputs import SearchOutputs
from tflm_patch.nas.result import Finalist
from tflm_patch.nas.trial import Trial, pareto_front
from tflm_patch.runtime.arena_measurement import measure_arena
from tflm_patch.training.inheritance import Inheritance, Teacher
from tflm_patch.training.options import Budgets, TrainOptions
from tflm_patch.training.outputs import CONVERTED
from tflm_patch.training.run import train

C_ARRAY = 'c_array'

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Heirs:
  """What finalists have from the fitness that judged them.

  Attributes:
    weights: Of a network; None for chance.
    teacher: Of a network; None for none.
    share: Of the teacher in the loss.
  """

  weights: Callable[[Spec], list[np.ndarray]] | None = None
  teacher: Callable[[Spec], Teacher] | None = None
  share: float = 0.0

  def of(self, spec: Spec) -> Inheritance:
    """What one network has; the teacher last, see `Teaches`."""
    weights = None if self.weights is None else self.weights(spec)
    teacher = None if self.teacher is None else self.teacher(spec)
    return Inheritance(weights, teacher, self.share)


NONE = Heirs()


def chosen(trials: Sequence[Trial], axes: Sequence[str], top: int) -> list[Trial]:
  """Those that are trained: the best of the front, then the best of the others.

  Args:
    trials: All.
    axes: Costs that count beside the score.
    top: How many.
  """
  front = pareto_front(trials, axes)
  known = {trial.number for trial in front}
  others = [trial for trial in trials if trial.number not in known]
  others.sort(key=lambda trial: (-trial.score, trial.number))
  return [*front, *others][:top]


def trainings(
  trials: Sequence[Trial],
  options: SearchOptions,
  outputs: SearchOutputs | None,
  heirs: Heirs = NONE,
) -> list[Training]:
  """What an engine is asked for; nothing where there is no folder to keep it in."""
  if outputs is None:
    return []
  return [
    Training(
      rank,
      spec := parse_spec(trial.spec),
      _options(options, heirs),
      outputs.finalist(rank, trial.spec),
      None if heirs.weights is None else functools.partial(heirs.weights, spec),
    )
    for rank, trial in enumerate(trials, 1)
  ]


def _options(options: SearchOptions, heirs: Heirs) -> TrainOptions:
  return options.final_training if heirs.weights is None else options.inherited_training


def train_finalist(
  rank: int,
  trial: Trial,
  data: SearchData,
  objectives: Objectives,
  options: SearchOptions,
  outputs: SearchOutputs | None,
  progress: Progress,
  heirs: Heirs = NONE,
) -> Finalist:
  """Trains a candidate on all training examples, and measures it on those held out.

  A training that was killed, or that an engine did elsewhere, goes on with its checkpoint.

  Raises:
    TflmPatchError: files that cannot be written, a loss that is not finite.
  """
  spec = parse_spec(trial.spec)
  dataset = data.whole(spec.input_shape)
  folder = None if outputs is None else outputs.finalist(rank, trial.spec)

  def say(text: str) -> None:
    progress(f'Finalist {rank} of {options.top}: {text}')

  result = train(
    dataset,
    spec,
    _options(options, heirs),
    _budgets(objectives, trial),
    folder,
    resume=folder is not None,
    progress=say,
    inheritance=heirs.of(spec),
  )
  if folder is not None:
    say('Writing C')
    export(folder / CONVERTED, folder / C_ARRAY, ExportOptions('c-array', force=True))
  say('Measuring the arena in TFLM')
  try:
    measured = measure_arena(result.converted.data).total
  except EnvironmentMissing:
    return Finalist(rank, trial, result, None)
  return Finalist(rank, trial, result, measured)


def _budgets(objectives: Objectives, trial: Trial) -> Budgets:
  limits, schedule = objectives.limits, trial.needs.schedule
  arena, flash = limits.get('arena'), limits.get('flash')
  return Budgets(
    None if arena is None else int(arena),
    None if flash is None else int(flash),
    objectives.input_rows if schedule.feeds_rows else None,
  )
