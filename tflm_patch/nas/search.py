# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TinyNAS: finds the best network for one's own data within exact limits of a chip."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import pathlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from tflm_patch.architecture.text import format_spec, unknown
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.catalogue import load_space
from tflm_patch.nas.chance import rng_of
from tflm_patch.nas.checker import Checker
from tflm_patch.nas.correlation import spearman
from tflm_patch.nas.data import SearchData, Source, adapted, imbalance
from tflm_patch.nas.engines import check_engine, engine_of
from tflm_patch.nas.finalists import Heirs, chosen, train_finalist, trainings
from tflm_patch.nas.fitness import Effort, HasWeights, Teaches
from tflm_patch.nas.judges import FITNESS, PROXIES, fitness_of
from tflm_patch.nas.objectives import Objectives
from tflm_patch.nas.options import Finalists, SearchOptions
from tflm_patch.nas.outputs import SearchOutputs
from tflm_patch.nas.prefilter import Proxy
from tflm_patch.nas.result import SearchResult
from tflm_patch.nas.search_space import rank_spaces, sub_spaces
from tflm_patch.nas.space import Picks, SearchSpace
from tflm_patch.nas.space_json import space_to_json
from tflm_patch.nas.state import StateFile
from tflm_patch.nas.strategies import DRAWING, Problem, check_settings, strategy_of
from tflm_patch.nas.surroundings import Surroundings
from tflm_patch.nas.trial import Trial
from tflm_patch.training.data.series import Windows

_LARGEST = 1e30  # score
_CORRELATED = 8  # trials, at least
_FEW = 8  # fewer than so many are hardly a search

Progress = Callable[[str], None]
Hook = Callable[[Trial], None]


def search(
  data: Source,
  space: SearchSpace | str | pathlib.Path,
  objectives: Objectives | None = None,
  options: SearchOptions | None = None,
  output: str | os.PathLike[str] | None = None,
  *,
  windows: Windows | None = None,
  resume: bool = False,
  overwrite: bool = False,
  hooks: Sequence[Hook] = (),
  progress: Progress = lambda text: None,
) -> SearchResult:
  """Searches a space, then trains the best networks and converts them.

  Every candidate that is judged was checked exactly: its arena is that of the converted
  model, to the byte. Candidates are judged by a part of the training examples; those that are
  held out measure the finalists alone.

  Args:
    data: A folder of images (or a `.tar`), a file of series (`.npz`, `.ts`), or a dataset.
    space: A space, its name, or a `.json` file; its classes become those of the data.
    objectives: Limits and axes; None for no limits.
    options: How; None for the defaults. Global random seeds are set.
    output: A folder for the state and the files; None to write nothing.
    windows: To forecast series.
    resume: Go on with the state in the folder, if there is one; a search that was killed and
      resumed gives what one gives that was not.
    overwrite: Begin anew though the folder holds a search.
    hooks: Called with every new trial.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: data that cannot be read, limits that nothing keeps, a folder that holds
      another search or a state that is damaged, files that cannot be written.
    EnvironmentMissing: a package that is needed is not installed.
  """
  goals, how = objectives or Objectives(), options or SearchOptions()
  chosen_space = load_space(space) if isinstance(space, (str, pathlib.Path)) else space
  _check_names(how)
  outputs = None if output is None else SearchOutputs(output, resume, overwrite)
  folder = None if outputs is None else outputs.folder
  examples = SearchData(data, how.seed, windows, folder, progress)
  found = adapted(chosen_space, examples)
  run = _Search(examples, _narrowed(found, goals, how, progress), goals, how, outputs, progress)
  with contextlib.closing(run):
    result = run.result(hooks)
  if outputs is not None:
    outputs.write(result)
  return result


def _check_names(how: SearchOptions) -> None:
  """Before any work is done."""
  check_settings(how.strategy, **how.settings)
  check_engine(how.engine.name)
  if isinstance(how.fitness, str) and how.fitness not in FITNESS:
    raise unknown(how.fitness, 'fitness', FITNESS)
  if how.prefilter is not None and how.prefilter.proxy not in PROXIES:
    raise unknown(how.prefilter.proxy, 'proxy', PROXIES)
  if how.prefilter is not None and how.strategy not in DRAWING:
    raise TflmPatchError(
      f'the strategy {how.strategy} draws nothing by chance that a prefilter could choose among; '
      f'choose one of {", ".join(DRAWING)}, or no prefilter'
    )


def _narrowed(
  space: SearchSpace, goals: Objectives, how: SearchOptions, progress: Progress
) -> SearchSpace:
  """The most promising resolution and width, where that is wanted."""
  if not how.first_stage or len(space.inputs) * len(space.widths) == 1:
    return space
  ranking = rank_spaces(
    sub_spaces(space), goals, count=how.first_stage, seed=how.seed, progress=progress
  )
  if not ranking[0].macs:
    return space  # what nothing keeps is said with figures later
  progress(f'First stage: {ranking[0].space.name}, {ranking[0].fitting:.0%} of its networks fit')
  return ranking[0].space


class _Clock:
  """Wall and CPU time since it was made."""

  def __init__(self) -> None:
    self._wall, self._cpu = time.monotonic(), time.process_time()

  def passed(self) -> tuple[float, float]:
    """In seconds."""
    now = time.monotonic() - self._wall, time.process_time() - self._cpu
    return round(now[0], 3), round(now[1], 3)


class _Search:
  """Asks the strategy, judges, writes the state."""

  def __init__(
    self,
    data: SearchData,
    space: SearchSpace,
    goals: Objectives,
    how: SearchOptions,
    outputs: SearchOutputs | None,
    progress: Progress,
  ) -> None:
    self.space, self.checker = space, Checker(space, goals)
    self._data, self._goals, self._how = data, goals, how
    self._outputs, self._progress = outputs, progress
    fitness = how.fitness
    folder = None if outputs is None else outputs.folder
    around = Surroundings(data, space, how, folder, progress)
    judge = fitness_of(fitness, around) if isinstance(fitness, str) else fitness(data)
    self._judge, self._engine = judge, engine_of(around, judge)
    if how.distill and not isinstance(judge, Teaches):
      raise TflmPatchError(
        f'the fitness {how.fitness_name} has no network that could teach finalists; leave distill '
        'out, or choose the fitness supernet'
      )
    before = how.prefilter
    self._proxy = None if before is None else Proxy(before, data, space, self._effort)
    problem = Problem(
      space,
      goals,
      self.checker.fits,
      self.checker.needs,
      data,
      self._effort,
      self._proxy,
      1 if before is None else before.of,
    )
    self._strategy = strategy_of(how.strategy, problem, **how.settings)
    self._state = StateFile(
      None if outputs is None else outputs.state, space, _settings(data, space, goals, how)
    )
    self._known: list[Trial] = []  # of the run that is resumed
    self._resumes = outputs is not None and outputs.resumes
    if self._resumes:
      self._known = self._state.load()

  def result(self, hooks: Sequence[Hook]) -> SearchResult:
    """Judges candidates, then trains the best."""
    trials, goals, how = self._trials(hooks), self._goals, self._how
    finalists = chosen(trials, goals.axes, how.top)
    heirs = self._heirs()
    self._engine.train(trainings(finalists, how, self._outputs, heirs))
    dataset = self._data.whole(self.space.inputs[0])
    notes = filter(None, (imbalance(dataset), self._haste(trials)))
    return SearchResult(
      space=self.space,
      objectives=goals,
      options=how,
      trials=tuple(trials),
      checked=self.checker.checked,
      finalists=tuple(
        train_finalist(rank, trial, self._data, goals, how, self._outputs, self._progress, heirs)
        for rank, trial in enumerate(finalists, 1)
      ),
      task=dataset.task,
      seconds=sum(trial.seconds for trial in trials),
      cpu_seconds=sum(trial.cpu_seconds for trial in trials),
      rank_correlations=self._correlations(trials),
      notes=tuple(notes),
      folder=None if self._outputs is None else self._outputs.folder,
    )

  def _heirs(self) -> Heirs:
    judge, how, effort = self._judge, self._how, self._effort
    weights, teacher = None, None
    if how.finalists is Finalists.INHERITED and isinstance(judge, HasWeights):
      weights = functools.partial(judge.weights_of, budget=effort)
    if how.distill and isinstance(judge, Teaches):
      teacher = functools.partial(judge.teacher_of, budget=effort)
    return Heirs(weights, teacher, how.distill)

  def _haste(self, trials: Sequence[Trial]) -> str:
    """A sentence where time ended before there was much to choose from; '' otherwise."""
    wanted = min(_FEW, self._how.most_trials)
    if not self._how.has_time or len(trials) >= wanted or self._share(trials) < 1:
      return ''
    return (
      f'there was time to judge {len(trials)} of many candidates: give more minutes, or a fitness '
      'that takes less'
    )

  def _correlations(self, trials: Sequence[Trial]) -> dict[str, float]:
    if len(trials) < _CORRELATED:
      return {}
    numbers: dict[str, list[float]] = {
      name: [trial.cost(name) for trial in trials] for name in ('macs', 'flash')
    }
    if self._proxy is not None and self._how.prefilter is not None:
      numbers[self._how.prefilter.proxy] = [self._proxy(trial.picks) for trial in trials]
    scores = [trial.score for trial in trials]
    found = {name: spearman(values, scores) for name, values in numbers.items()}
    return {name: round(value, 3) for name, value in found.items() if value is not None}

  def close(self) -> None:
    """Lets go of the machines."""
    self._engine.close()

  def _trials(self, hooks: Sequence[Hook]) -> list[Trial]:
    """All trials, those of the run that is resumed first.

    Raises:
      TflmPatchError: nothing keeps the limits, or the state is of other candidates.
    """
    self._progress('Checking the limits')
    rng = rng_of('limits', self._how.seed)
    self.checker.require_some(self.space.sample(rng) for _ in range(1000))
    if not self._resumes:
      self._state.begin()
    done: list[Trial] = []
    while not self._is_done(done):
      start = _Clock()
      if len(done) >= len(self._known):
        self._progress('Drawing candidates that fit')
      asked = self._strategy.ask(rng_of('ask', self._how.seed, len(done)))
      if not asked:
        break
      batch: list[Trial] = []
      with contextlib.closing(self._scores(len(done), asked)) as scores:
        for picks in asked:
          if self._is_done([*done, *batch]):
            return [*done, *batch]
          batch.append(self._trial(len(done) + len(batch), picks, scores, start, hooks))
          self._report([*done, *batch])
          start = _Clock()
      self._strategy.tell(batch)
      done += batch
    return done

  def _scores(self, first: int, asked: Sequence[Picks]) -> Generator[float, None, None]:
    """Of those that are not known, and are not beyond the limit of trials."""
    count = min(self._how.most_trials - first, len(asked))
    new = asked[max(0, len(self._known) - first) : int(count)]
    yield from self._engine.scores([self.space.spec_of(picks) for picks in new], self._effort)

  def _is_done(self, trials: Sequence[Trial]) -> bool:
    # What a killed run did beyond its time is kept.
    return len(trials) >= len(self._known) and self._share(trials) >= 1

  def _share(self, trials: Sequence[Trial]) -> float:
    used = [sum(getattr(trial, name) for trial in trials) for name in ('seconds', 'cpu_seconds')]
    return self._how.progress(len(trials), *used)

  def _trial(
    self, number: int, picks: Picks, scores: Iterator[float], start: _Clock, hooks: Sequence[Hook]
  ) -> Trial:
    if number < len(self._known):
      known = self._known[number]
      if known.picks != picks:
        raise TflmPatchError(
          f'trial {number} of the state is another candidate than the strategy asks for: another '
          'version wrote it; it is kept: choose another output folder'
        )
      return known
    spec = self.space.spec_of(picks)
    needs = self.checker.needs(picks)
    self._progress(f'Judging candidate {number + 1}: {format_spec(spec)}')
    score = next(scores)
    took = start.passed()
    # JSON has no infinity.
    score = max(-_LARGEST, min(float(score), _LARGEST))
    trial = Trial(number, picks, format_spec(spec), score, needs, *took)
    self._state.add(trial)
    for hook in hooks:
      hook(trial)
    return trial

  @property
  def _effort(self) -> Effort:
    return dataclasses.replace(self._how.effort, seed=self._how.seed)

  def _report(self, trials: Sequence[Trial]) -> None:
    best = max(trials, key=lambda trial: (trial.score, -trial.number))
    share, seconds = self._share(trials), sum(trial.seconds for trial in trials)
    left = '' if share <= 0 else f', {duration(seconds * (1 - share) / share)} left'
    self._progress(
      f'Trial {len(trials)}: {trials[-1].score:.4g}, best {best.score:.4g} with arena '
      f'{best.needs.arena_required:,}; {self.checker.checked:,} checked, {100 * share:.0f} % '
      f'done{left}'
    )


def _settings(
  data: SearchData, space: SearchSpace, goals: Objectives, how: SearchOptions
) -> dict[str, Any]:
  """What must not change when a search is resumed."""
  dataset = data.whole(space.inputs[0])
  effort = dataclasses.asdict(how.effort)
  del effort['threads'], effort['seed']
  return {
    'space': space_to_json(space),
    **goals.to_json(),
    'strategy': how.strategy,
    'strategy_settings': dict(how.settings),
    'fitness': how.fitness_name,
    'prefilter': None if how.prefilter is None else dataclasses.asdict(how.prefilter),
    **effort,
    'seed': how.seed,
    'examples': [len(dataset.train), len(dataset.test)],
    'classes': list(dataset.classes),
  }


def duration(seconds: float) -> str:
  """'1:02:03' or '2:03'."""
  minutes, seconds = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  return f'{hours}:{minutes:02}:{seconds:02}' if hours else f'{minutes}:{seconds:02}'
