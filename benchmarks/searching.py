# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of searches have in common: a search, and two baselines.

Random search gets the same space, limits and minutes. MobileNetV2 is scaled to the largest
width whose network keeps the limits, and trained as long as a finalist. Everything goes on
where it was killed.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys
from collections.abc import Callable
from typing import Any

from tflm_patch.architecture import Spec, format_spec, named
from tflm_patch.architecture.catalogue import divisible
from tflm_patch.cli.values import argument, parse_size
from tflm_patch.conversion.fit import fits_many
from tflm_patch.conversion.fit_types import Budget
from tflm_patch.nas import Effort, Finalist, Objectives, SearchOptions, SearchResult, SearchSpace
from tflm_patch.nas import search as run_search
from tflm_patch.nas.data import SearchData
from tflm_patch.training import Budgets, TrainOptions, TrainResult, train

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Task:
  """What is searched for.

  Attributes:
    name: Of the data.
    space: Of candidates.
    arena, flash: Default limits in bytes.
    sides: Of the images that MobileNetV2 may take.
    training: Of finalists and candidates, but for time and epochs.
    share: Of the training examples, for each candidate.
    population: Of the evolution.
  """

  name: str
  space: SearchSpace
  arena: int
  flash: int
  sides: tuple[int, ...]
  training: TrainOptions
  share: float = 1.0
  population: int = 24


def define(parser: argparse.ArgumentParser, task: Task) -> None:
  """Adds the options."""
  size = argument(parse_size)
  parser.add_argument('--data', required=True, help='the folder or .tar of the images')
  parser.add_argument('--out', required=True, help='a folder for states and models; gone on with')
  parser.add_argument('--minutes', type=float, default=120.0, help='of wall time, each search')
  parser.add_argument('--arena', type=size, default=task.arena, help='limit of the arena')
  parser.add_argument('--flash', type=size, default=task.flash, help='limit of the file')
  parser.add_argument('--macs', type=int, help='limit of multiply-accumulates')
  parser.add_argument('--target', default='stm32f412', help='of the estimated milliseconds')
  parser.add_argument('--strategy', default='evolution')
  parser.add_argument('--population', type=int, default=task.population)
  parser.add_argument('--search-epochs', type=int, default=3)
  parser.add_argument('--search-share', type=float, default=task.share)
  parser.add_argument('--trials', type=int, help='also a limit of candidates')
  parser.add_argument('--epochs', type=int, help='of finalists, in place of minutes')
  parser.add_argument('--top', type=int, default=1)
  parser.add_argument('--seed', type=int, default=1)
  parser.add_argument('--threads', type=int, default=2)
  parser.add_argument('--without-baselines', action='store_true', help='only the search')
  parser.add_argument('--quiet', action='store_true', help='no lines of progress')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')


def measure(task: Task, arguments: argparse.Namespace) -> dict[str, Any]:
  """All figures."""
  goals = Objectives.of(
    arguments.target, arena=arguments.arena, flash=arguments.flash, macs=arguments.macs
  )
  options = _options(task, arguments)
  out = pathlib.Path(arguments.out)
  out.mkdir(parents=True, exist_ok=True)
  rows = {'searched': _searched(task, arguments, goals, options, out / 'searched')}
  if not arguments.without_baselines:
    chance = dataclasses.replace(options, strategy='random', settings={})
    rows['random'] = _searched(task, arguments, goals, chance, out / 'random')
    rows['mobilenet_v2'] = _mobilenet(task, arguments, options, out / 'mobilenet_v2')
  keys = ('int8_accuracy', 'arena_total', 'file_bytes', 'macs', 'seconds')
  return {
    'schema_version': 1,
    'task': task.name,
    'space': task.space.name,
    'limits': dict(goals.limits),
    'minutes': arguments.minutes,
    'seed': arguments.seed,
    'threads': arguments.threads,
    **{key: rows['searched'][key] for key in keys},
    **rows,
  }


def _options(task: Task, arguments: argparse.Namespace) -> SearchOptions:
  training = dataclasses.replace(task.training, epochs=arguments.epochs)
  effort = Effort(
    arguments.search_epochs,
    arguments.search_share,
    training.batch_size,
    arguments.seed,
    arguments.threads,
    dataclasses.replace(training, epochs=None),
  )
  settings: dict[str, float] = {}
  if arguments.strategy == 'evolution':
    settings = {'population': arguments.population, 'parents': max(1, arguments.population // 4)}
  return SearchOptions(
    arguments.strategy,
    settings,
    effort=effort,
    trials=arguments.trials,
    minutes=arguments.minutes,
    seed=arguments.seed,
    top=arguments.top,
    training=training,
  )


def _say(what: str, arguments: argparse.Namespace) -> Progress:
  def say(text: str) -> None:
    if not arguments.quiet:
      print(f'{what}: {text}', file=sys.stderr, flush=True)

  return say


def _searched(
  task: Task,
  arguments: argparse.Namespace,
  goals: Objectives,
  options: SearchOptions,
  folder: pathlib.Path,
) -> dict[str, Any]:
  result: SearchResult = run_search(
    arguments.data,
    task.space,
    goals,
    options,
    folder,
    resume=True,
    progress=_say(folder.name, arguments),
  )
  best: Finalist = max(result.finalists, key=lambda each: each.training.int8.score)
  return {
    'spec': best.trial.spec,
    **_figures(best.training),
    'seconds': round(result.seconds + sum(f.training.seconds for f in result.finalists), 1),
    'milliseconds_estimate': best.trial.needs.milliseconds,
    'trials': len(result.trials),
    'checked': result.checked,
    'arena_as_predicted': all(each.arena_as_predicted for each in result.finalists),
  }


def _figures(result: TrainResult) -> dict[str, Any]:
  found = result.to_json()
  return {
    'int8_accuracy': result.int8.score,
    'float_accuracy': result.float_score,
    'evaluated_by': result.int8.by.value,
    'bit_exact': result.verified,
    **{key: found[key] for key in ('arena_total', 'arena_original', 'file_bytes', 'macs')},
    'seconds': found['seconds'],
    'missed': found['missed'],
  }


def _mobilenet(
  task: Task, arguments: argparse.Namespace, options: SearchOptions, folder: pathlib.Path
) -> dict[str, Any]:
  say = _say(folder.name, arguments)
  spec = largest_mobilenet(task.sides, arguments.arena, arguments.flash, arguments.macs)
  if spec is None:
    return {'spec': None}
  data = SearchData(arguments.data, options.seed, cache=folder.parent, progress=say)
  result = train(
    data.whole(spec.input_shape),
    spec,
    options.final_training,
    Budgets(arguments.arena, arguments.flash),
    folder,
    resume=True,
    progress=say,
  )
  return {'spec': result.name, **_figures(result)}


def largest_mobilenet(
  sides: tuple[int, ...], arena: int, flash: int, macs: int | None
) -> Spec | None:
  """The MobileNetV2 of the most work that keeps the limits; all its channels are scaled.

  Small images keep their size in the first two blocks, as is usual for CIFAR-10.
  """
  specs = []
  for side in sides:
    for hundredths in range(5, 105, 5):
      width = hundredths / 100
      spec = named(f'mobilenet_v2:{width}:{side}:10')
      blocks = list(spec.blocks)
      blocks[-1] = dataclasses.replace(blocks[-1], channels=divisible(1280 * width))
      if side <= 32:
        for k in (0, 2):
          blocks[k] = dataclasses.replace(blocks[k], stride=(1, 1))
      head = dataclasses.replace(spec.head, softmax=False)
      specs.append(dataclasses.replace(spec, blocks=tuple(blocks), head=head))
  found = []
  for spec, fit in zip(specs, fits_many(specs, Budget(arena, flash))):
    if fit.fits and (macs is None or fit.macs <= macs):
      found.append((fit.macs, format_spec(spec), spec))
  return max(found)[2] if found else None


def run(task: Task, description: str) -> int:
  """Parses the command line, measures, prints; gives the exit code."""
  parser = argparse.ArgumentParser(description=description.split('\n')[0])
  define(parser, task)
  arguments = parser.parse_args()
  figures = measure(task, arguments)
  names = [name for name in ('searched', 'random', 'mobilenet_v2') if figures.get(name)]
  rows = [(name, figures[name]) for name in names if figures[name]['spec']]
  if arguments.json:
    print(json.dumps(figures, indent=2))
  else:
    print('| | int8 in TFLM | arena | file | MACs | candidates | seconds |')
    print('|---|---:|---:|---:|---:|---:|---:|')
    for name, row in rows:
      print(
        f'| {name} | {row["int8_accuracy"]:.2f} % | {row["arena_total"]:,} '
        f'| {row["file_bytes"]:,} | {row["macs"]:,} | {row.get("trials", 1)} '
        f'| {row["seconds"]:,.0f} |'
      )
  return 1 if any(row['missed'] or row['bit_exact'] is False for _, row in rows) else 0
