# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of searches have in common: a search, and two baselines, on several splits.

Random search gets the same space, limits and minutes; each of its candidates is trained for a
few epochs. MobileNetV2 is scaled in resolution, width and depth to the network of the most work
that keeps the limits, and trained as long as a finalist. Budgets are CPU time, so that a busy
machine does the same work, later. Everything goes on where it was killed.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import itertools
import math
import pathlib
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from resumable import Work, reported

from tflm_patch.architecture import Block, Spec, format_spec, named
from tflm_patch.architecture.catalogue import divisible
from tflm_patch.cli.values import argument, parse_size
from tflm_patch.conversion.fit import fits_many
from tflm_patch.conversion.fit_types import Budget
from tflm_patch.nas import (
  Effort,
  Finalist,
  Objectives,
  Prefilter,
  SearchOptions,
  SearchResult,
  SearchSpace,
)
from tflm_patch.nas import search as run_search
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.options import SEARCH_SHARE
from tflm_patch.nas.space import Shape
from tflm_patch.training import Budgets, TrainOptions, TrainResult, train

Progress = Callable[[str], None]
WANTED_RATIO = 0.75  # error of the search, beside the better baseline's
BASELINES = ('random', 'mobilenet_v2')
ARMS = ('searched', *BASELINES, 'greedy', 'supernet')


@dataclasses.dataclass(frozen=True)
class Task:
  """What is searched for.

  Attributes:
    name: Of the data.
    space: Of candidates.
    arena, flash: Default limits in bytes.
    macs: Default limit of multiply-accumulates; None for none.
    training: Of finalists and candidates, but for time and epochs.
    share: Of the training examples, for each candidate.
    population: Of the evolution.
    strategy, fitness: Of the search; the random one trains its candidates.
    prefilter: Of the search; None for none.
    search_epochs: That judge a candidate.
    minutes: Of CPU time, each search with its final training.
    final_share: Of the minutes, for the final training.
    shared: Of candidates that share the weights of a supernet; None for all of the space.
    splits: Of the data; each is a seed of everything, too.
  """

  name: str
  space: SearchSpace
  arena: int
  flash: int
  training: TrainOptions
  share: float = 1.0
  population: int = 24
  strategy: str = 'evolution'
  fitness: str = 'trained'
  prefilter: Prefilter | None = None
  search_epochs: int = 3
  minutes: float = 60.0
  splits: int = 1
  macs: int | None = None
  final_share: float = 1 - SEARCH_SHARE
  shared: SearchSpace | None = None


def define(parser: argparse.ArgumentParser, task: Task) -> None:
  """Adds the options."""
  size = argument(parse_size)
  parser.add_argument('--data', required=True, help='the folder or .tar of the images')
  parser.add_argument('--out', required=True, help='a folder for states and models; gone on with')
  parser.add_argument(
    '--minutes', type=float, default=task.minutes, help='of CPU time, each search'
  )
  parser.add_argument(
    '--final-share', type=float, default=task.final_share, help='of the minutes, for finalists'
  )
  parser.add_argument('--splits', type=int, default=task.splits, help='of the data')
  parser.add_argument('--arena', type=size, default=task.arena, help='limit of the arena')
  parser.add_argument('--flash', type=size, default=task.flash, help='limit of the file')
  parser.add_argument('--macs', type=int, default=task.macs, help='limit of multiply-accumulates')
  parser.add_argument('--target', default='stm32f412', help='of the estimated milliseconds')
  parser.add_argument('--strategy', default=task.strategy)
  parser.add_argument('--fitness', default=task.fitness, help='of the search; random ones train')
  parser.add_argument('--population', type=int, default=task.population)
  parser.add_argument('--search-epochs', type=int, default=task.search_epochs)
  parser.add_argument('--search-share', type=float, default=task.share)
  parser.add_argument('--trials', type=int, help='also a limit of candidates')
  parser.add_argument('--epochs', type=int, help='of finalists, in place of minutes')
  parser.add_argument('--top', type=int, default=1)
  parser.add_argument('--seed', type=int, default=1)
  parser.add_argument('--threads', type=int, default=2)
  parser.add_argument(
    '--arms',
    nargs='+',
    choices=ARMS,
    default=list(ARMS[:3]),
    help='what is run (default: the first three); others of the same folder may run beside it',
  )
  parser.add_argument('--quiet', action='store_true', help='no lines of progress')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  parser.add_argument('--record', metavar='NAME', help='write them into results/NAME.json, too')


def measure(task: Task, arguments: argparse.Namespace) -> tuple[dict[str, Any], Work]:
  """All figures, and the time they took."""
  goals = Objectives.of(
    arguments.target, arena=arguments.arena, flash=arguments.flash, macs=arguments.macs
  )
  names = ('minutes', 'final_share', 'trials', 'epochs', 'top', 'strategy', 'fitness', 'population')
  settings = {name: getattr(arguments, name) for name in (*names, 'search_epochs', 'search_share')}
  settings |= {'limits': dict(goals.limits), 'seed': arguments.seed, 'threads': arguments.threads}
  before = task.prefilter
  settings['prefilter'] = None if before is None else f'{before.proxy}={before.of}'
  out = pathlib.Path(arguments.out)
  work = Work(out, settings, quiet=arguments.quiet)
  arms = [arm for arm in ARMS if arm in arguments.arms]
  splits = []
  for seed in range(arguments.seed, arguments.seed + arguments.splits):
    own = argparse.Namespace(**{**vars(arguments), 'seed': seed})
    rows = {arm: _measured(task, own, goals, out, settings, arm) for arm in arms}
    splits.append({'seed': seed, **rows})
  first = [each[arms[0]] for each in splits if each[arms[0]]['spec'] is not None]
  # Of the split whose accuracy is the median.
  middle = sorted(first, key=lambda row: row['int8_accuracy'])[(len(first) - 1) // 2 :][:1]
  keys = ('int8_accuracy', 'arena_total', 'file_bytes', 'macs')
  done = [each[arm] for each in splits for arm in arms if each[arm]['spec'] is not None]
  figures = {
    # Of the searches and trainings, killed runs added up; not of what a kill made lost.
    **{name: round(sum(row[name] for row in done)) for name in ('seconds', 'cpu_seconds')},
    'task': task.name,
    'space': task.space.name,
    'space_size': task.space.size,
    **settings,
    **{key: row[key] for row in middle for key in keys},
    'medians': _medians(splits, arms),
    'splits': splits,
  }
  return figures, work


def _medians(splits: Sequence[dict[str, Any]], arms: Sequence[str]) -> dict[str, Any]:
  """Median errors in per cent, and that of the search as a part of the better baseline's."""
  errors = {
    arm: statistics.median(100 - row['int8_accuracy'] for row in found)
    for arm in arms
    if (found := [each[arm] for each in splits if each[arm]['spec'] is not None])
  }
  ours = errors.get('searched')
  better = min((errors[arm] for arm in BASELINES if arm in errors), default=None)
  ratio = ours / better if ours is not None and better else None
  reached = ratio is not None and ratio <= WANTED_RATIO
  return {'errors': errors, 'error_ratio': ratio, 'wanted_ratio': WANTED_RATIO, 'reached': reached}


def _measured(
  task: Task,
  arguments: argparse.Namespace,
  goals: Objectives,
  out: pathlib.Path,
  settings: dict[str, Any],
  arm: str,
) -> dict[str, Any]:
  """One arm on one split, in its own folder, so that arms may run side by side."""
  folder = out / f'split{arguments.seed}' / arm
  work = Work(folder, settings, quiet=arguments.quiet)
  options = _options(task, arguments)
  say = _say(f'split {arguments.seed}, {arm}', work)

  def make() -> dict[str, Any]:
    if arm == 'mobilenet_v2':
      return _mobilenet(task, arguments, options, folder, say)
    space = task.shared if arm == 'supernet' and task.shared is not None else task.space
    return _searched(arguments.data, space, goals, _options_of(arm, options), folder, say)

  return work.once(arm, make)


def _options_of(arm: str, options: SearchOptions) -> SearchOptions:
  """Those of the search, changed for another arm."""
  change = functools.partial(dataclasses.replace, options, prefilter=None)
  if arm == 'random':
    return change(strategy='random', settings={}, fitness='trained')
  if arm == 'greedy':
    return change(strategy='greedy', settings={}, fitness='trained')
  if arm == 'supernet':
    return change(fitness='supernet')
  return options


def _options(task: Task, arguments: argparse.Namespace) -> SearchOptions:
  final, limits = arguments.final_share, {}
  if arguments.epochs is None:
    limits = {'cpu_minutes': final * arguments.minutes / max(1, arguments.top)}
  training = dataclasses.replace(task.training, epochs=arguments.epochs, **limits)
  effort = Effort(
    arguments.search_epochs,
    arguments.search_share,
    training.batch_size,
    arguments.seed,
    arguments.threads,
    dataclasses.replace(training, epochs=None, cpu_minutes=None),
  )
  settings: dict[str, float] = {}
  if arguments.strategy == 'evolution':
    settings = {'population': arguments.population, 'parents': max(1, arguments.population // 4)}
  return SearchOptions(
    arguments.strategy,
    settings,
    fitness=arguments.fitness,
    effort=effort,
    prefilter=task.prefilter,
    trials=arguments.trials,
    # Of which candidates have their part.
    cpu_minutes=(1 - final) * arguments.minutes / SEARCH_SHARE,
    seed=arguments.seed,
    top=arguments.top,
    training=training,
  )


def _say(what: str, work: Work) -> Progress:
  """Lines of progress; the time used is saved with them, so that a kill loses little of it."""
  return lambda text: work.say(f'{what}: {text}')


def _searched(
  data: str,
  space: SearchSpace,
  goals: Objectives,
  options: SearchOptions,
  folder: pathlib.Path,
  say: Progress,
) -> dict[str, Any]:
  result: SearchResult = run_search(data, space, goals, options, folder, resume=True, progress=say)
  # The best by what the search saw: held-out examples choose nothing.
  best: Finalist = result.finalists[0]
  return {
    'spec': best.trial.spec,
    'strategy': options.strategy,
    'fitness': options.fitness_name,
    **_figures(best.training),
    'seconds': round(result.seconds + sum(f.training.seconds for f in result.finalists), 1),
    'cpu_seconds': round(
      result.cpu_seconds + sum(f.training.cpu_seconds for f in result.finalists), 1
    ),
    'rank_correlations': dict(result.rank_correlations),
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
    'epochs': found['epochs'],
    'seconds': found['seconds'],
    'cpu_seconds': found['cpu_seconds'],
    'missed': found['missed'],
  }


def _mobilenet(
  task: Task,
  arguments: argparse.Namespace,
  options: SearchOptions,
  folder: pathlib.Path,
  say: Progress,
) -> dict[str, Any]:
  spec = largest_mobilenet(task.space.inputs, arguments.arena, arguments.flash, arguments.macs)
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
  inputs: Sequence[Shape], arena: int, flash: int, macs: int | None
) -> Spec | None:
  """The MobileNetV2 of the most work that keeps the limits; all its channels are scaled.

  Args:
    inputs: Shapes that it may take.
    arena, flash, macs: The limits.
  """
  shares = [(width / 100, depth / 4) for width in range(5, 105, 5) for depth in (1, 2, 3, 4)]
  specs = [_mobilenet_of(shape, *share) for shape, share in itertools.product(inputs, shares)]
  found = []
  for spec, fit in zip(specs, fits_many(specs, Budget(arena, flash))):
    if fit.fits and (macs is None or fit.macs <= macs):
      found.append((fit.macs, format_spec(spec), spec))
  return max(found)[2] if found else None


def _mobilenet_of(shape: Shape, width: float, depth: float) -> Spec:
  """A scaled one; small images keep their size in the first two blocks, as usual for CIFAR-10.

  Args:
    shape: Of the input.
    width: Of all channels, the last layer's too, in steps of 4.
    depth: Of the blocks of each stage, rounded up (as EfficientNet's).
  """
  spec = named('mobilenet_v2:1:32:10')
  blocks = [
    dataclasses.replace(block, channels=divisible(width * (block.channels or 0), 4))
    for _, group in itertools.groupby(spec.blocks, key=lambda block: (block.kind, block.channels))
    for block in _first(list(group), depth)
  ]
  if max(shape[:2]) <= 32:
    for k in (0, 2):
      blocks[k] = dataclasses.replace(blocks[k], stride=(1, 1))
  head = dataclasses.replace(spec.head, softmax=False)
  return dataclasses.replace(spec, input_shape=shape, blocks=tuple(blocks), head=head)


def _first(blocks: list[Block], depth: float) -> list[Block]:
  return blocks[: math.ceil(depth * len(blocks))]


def run(script: str, task: Task, description: str, others: Mapping[str, Task] = {}) -> int:
  """Parses the command line, measures, prints; gives the exit code.

  Args:
    script: Name of the benchmark.
    task: What is searched for.
    description: Of the benchmark.
    others: What is searched for with `--task NAME`.
  """
  first = argparse.ArgumentParser(add_help=False)
  first.add_argument('--task', choices=list(others), help='another one than the first')
  chosen, _ = first.parse_known_args()
  task = task if chosen.task is None else others[chosen.task]
  parser = argparse.ArgumentParser(description=description.split('\n')[0], parents=[first])
  define(parser, task)
  arguments = parser.parse_args()
  figures, work = measure(task, arguments)
  rows = [
    (arm, each['seed'], each[arm])
    for each in figures['splits']
    for arm in ARMS
    if arm in each and each[arm]['spec'] is not None
  ]
  text = reported(script, work, figures, arguments.record)
  if arguments.json:
    print(text)
  else:
    _print_table(rows, figures)
  return 1 if any(row['missed'] or row['bit_exact'] is False for _, _, row in rows) else 0


def _print_table(rows: Sequence[tuple[str, int, dict[str, Any]]], figures: dict[str, Any]) -> None:
  print('| | split | int8 in TFLM | arena | file | MACs | candidates | CPU seconds |')
  print('|---|---:|---:|---:|---:|---:|---:|---:|')
  for arm, seed, row in rows:
    print(
      f'| {arm} | {seed} | {row["int8_accuracy"]:.2f} % | {row["arena_total"]:,} '
      f'| {row["file_bytes"]:,} | {row["macs"]:,} | {row.get("trials", 1)} '
      f'| {row["cpu_seconds"]:,.0f} |'
    )
  medians = figures['medians']
  shown = ', '.join(f'{arm} {error:.2f} %' for arm, error in medians['errors'].items())
  ratio = medians['error_ratio']
  print(f'\nMedian errors: {shown}' + ('' if ratio is None else f'; {ratio:.2f} of the better'))
  print(f'{figures["cpu_seconds"] / 60:.1f} CPU minutes, {figures["seconds"] / 60:.0f} minutes')
