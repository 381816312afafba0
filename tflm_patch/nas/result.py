# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a search gave."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from tflm_patch.nas.objectives import Objectives
from tflm_patch.nas.options import SearchOptions
from tflm_patch.nas.space import SearchSpace
from tflm_patch.nas.trial import Trial, pareto_front
from tflm_patch.training.data.dataset import Task
from tflm_patch.training.result import TrainResult

SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Finalist:
  """A candidate that was trained to the end.

  Attributes:
    rank: From 1 on.
    trial: What the search found.
    training: The trained, quantized, converted model and its figures.
    arena_in_tflm: Bytes of arena that TFLM's interpreter used on this machine; None where it
      does not exist.
  """

  rank: int
  trial: Trial
  training: TrainResult
  arena_in_tflm: int | None

  @property
  def arena_as_predicted(self) -> bool:
    """Whether the engine's figure is the converted model's, and TFLM used what was predicted.

    Rewrites that depend on weights may leave less than the engine said, never more.
    """
    converted = self.training.converted
    measured = self.arena_in_tflm
    return self.training.arena_total <= self.trial.needs.arena and (
      measured is None or measured == converted.converted_arena_host.total
    )

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    training = self.training.to_json()
    names = (
      *('int8_score', 'float_score', 'int8_by', 'verified', 'arena_original', 'arena_total'),
      *('file_bytes', 'macs', 'missed', 'epochs', 'seconds', 'cpu_seconds'),
    )
    return {
      'rank': self.rank,
      'trial': self.trial.number,
      'spec': self.trial.spec,
      'schedule': self.trial.needs.schedule.value,
      'search_score': self.trial.score,
      **{name: training[name] for name in names},
      'arena_engine': self.trial.needs.arena,
      'arena_host_predicted': self.training.converted.converted_arena_host.total,
      'arena_host_measured': self.arena_in_tflm,
      'arena_as_predicted': self.arena_as_predicted,
      'folder': None if self.training.folder is None else str(self.training.folder),
    }


@dataclasses.dataclass(frozen=True)
class SearchResult:
  """What a search gave.

  Attributes:
    space: That was searched.
    objectives, options: What for, and how.
    trials: In order.
    checked: Different candidates whose arena and flash were checked exactly.
    finalists: The best first.
    task: What is learned.
    seconds, cpu_seconds: Used by the trials, resumed runs added up.
    rank_correlations: Spearman's, of scores with what is known without training: MACs, the
      file, the prefilter's proxy; empty where too few candidates were judged to say.
    notes: Sentences that the user should read.
    folder: Where files were written; None for nowhere.
  """

  space: SearchSpace
  objectives: Objectives
  options: SearchOptions
  trials: tuple[Trial, ...]
  checked: int
  finalists: tuple[Finalist, ...]
  task: Task
  seconds: float
  cpu_seconds: float = 0.0
  rank_correlations: Mapping[str, float] = dataclasses.field(default_factory=dict)
  notes: tuple[str, ...] = ()
  folder: pathlib.Path | None = None

  @property
  def front(self) -> list[Trial]:
    """Trials that no other beats in score and all axes."""
    return pareto_front(self.trials, self.objectives.axes)

  @property
  def best(self) -> Trial:
    """The trial with the best score; the first of equal ones."""
    return max(self.trials, key=lambda trial: (trial.score, -trial.number))

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    options = self.options
    front = {trial.number for trial in self.front}
    return {
      'schema_version': SCHEMA_VERSION,
      'space': self.space.name,
      'space_size': self.space.size,
      'objectives': self.objectives.to_json(),
      'strategy': options.strategy,
      'settings': dict(options.settings),
      'fitness': options.fitness_name,
      'prefilter': None if options.prefilter is None else dataclasses.asdict(options.prefilter),
      'effort': dataclasses.asdict(options.effort),
      'seed': options.seed,
      'task': self.task.value,
      'checked': self.checked,
      'seconds': round(self.seconds, 1),
      'cpu_seconds': round(self.cpu_seconds, 1),
      'rank_correlations': dict(self.rank_correlations),
      'notes': list(self.notes),
      'trials': [
        {
          'trial': trial.number,
          'spec': trial.spec,
          'score': trial.score,
          **trial.needs.to_json(),
          'seconds': round(trial.seconds, 2),
          'cpu_seconds': round(trial.cpu_seconds, 2),
          'on_front': trial.number in front,
        }
        for trial in self.trials
      ],
      'finalists': [finalist.to_json() for finalist in self.finalists],
    }
