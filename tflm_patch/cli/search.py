# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch search."""

from __future__ import annotations

import argparse
import dataclasses

from tflm_patch.cli import training_flags as flags
from tflm_patch.cli import values
from tflm_patch.cli.command import Command, add_json
from tflm_patch.cli.data_flags import add_data, add_output, add_resume, command_line, folder_of
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.nas.fitness import DEFAULT_EFFORT, Effort
from tflm_patch.nas.objectives import Objectives
from tflm_patch.nas.options import (
  DEFAULT_TRIALS,
  EngineOptions,
  Finalists,
  Prefilter,
  SearchOptions,
)
from tflm_patch.training.options import DEFAULT as OPTIONS
from tflm_patch.training.options import TrainOptions

_D = flags.D
_count, _number = flags.count, flags.number


def parse_settings(text: str) -> dict[str, float]:
  """'population=20,parents=5': settings of a strategy.

  Raises:
    ValueError: it is no such list.
  """
  found: dict[str, float] = {}
  for part in values.parse_names(text):
    name, equals, number = part.partition('=')
    if not equals or not name.isidentifier():
      raise ValueError(f'"{part[:40]}" is no setting; write for example population=20,parents=5')
    value = values.parse_number(number)
    found[name] = int(value) if value.is_integer() else value
  return found


def parse_prefilter(text: str) -> Prefilter:
  """'flops' or 'flops=8': a proxy, and among how many it chooses.

  Raises:
    ValueError: it is no such thing.
  """
  name, equals, number = text.partition('=')
  if not equals:
    return Prefilter(name)
  if not number.isdecimal() or int(number) < 2:
    raise ValueError(
      f'"{text[:40]}" is no prefilter; write for example flops=8, to choose among 2 or more'
    )
  return Prefilter(name, int(number))


def _define(parser: argparse.ArgumentParser) -> None:
  add_data(parser)
  parser.add_argument(
    '--space',
    default='mcunet',
    metavar='NAME|FILE.json',
    help=f'what is searched, see docs/search_spaces.md {_D}',
  )
  add_output(parser, 'state, models and report', 'DATA_search')
  _define_limits(parser.add_argument_group('limits of every candidate'))
  _define_search(parser.add_argument_group('search'))
  _define_training(parser.add_argument_group('training'))
  add_resume(parser, 'state', 'search')
  add_json(parser)


def _define_limits(group: flags.Group) -> None:
  group.add_argument(
    '--target', metavar='CHIP', help='a chip by name or a file: its memory, core and clock'
  )
  flags.add_memory(group, "the target's, or no limit")
  group.add_argument('--macs', type=_count, metavar='N', help='multiply-accumulates')
  group.add_argument(
    '--instructions', type=_count, metavar='N', help="by the cost model of the chip's core"
  )
  group.add_argument(
    '--milliseconds', type=_number, metavar='MS', help='of an inference on the chip: an estimate'
  )
  group.add_argument(
    '--millijoules', type=_number, metavar='MJ', help='of an inference: an estimate'
  )
  group.add_argument(
    '--milliwatts', type=_number, metavar='MW', help='that the chip takes while it computes'
  )
  flags.add_input_rows(
    group, 'models may take their image in bands of N rows where they do not fit otherwise'
  )
  group.add_argument(
    '--allow-slower',
    action='store_true',
    help='plans may take more time, but no more work, where nothing else fits',
  )
  group.add_argument(
    '--axes',
    type=values.argument(values.parse_names),
    default=('arena', 'flash', 'macs'),
    metavar='COSTS',
    help='that are compared beside the score (default: arena,flash,macs)',
  )


def _define_search(group: flags.Group) -> None:
  group.add_argument(
    '--strategy',
    default='evolution',
    metavar='NAME',
    help=f'evolution, aging, bayesian, greedy, differentiable or random {_D}',
  )
  group.add_argument(
    '--settings',
    type=values.argument(parse_settings),
    default={},
    metavar='NAME=N,...',
    help='of the strategy, like population=20,parents=5',
  )
  group.add_argument(
    '--fitness',
    default='trained',
    metavar='NAME',
    help='what judges a candidate: trained, supernet (trained once for all), parameters, flops, '
    f'synflow, naswot or zico {_D}',
  )
  group.add_argument(
    '--prefilter',
    type=values.argument(parse_prefilter),
    metavar='PROXY[=N]',
    help='a proxy like flops that first chooses the best of N candidates, 8 if not given, for '
    'each that is judged (evolution, aging, random)',
  )
  group.add_argument(
    '--trials',
    type=_count,
    metavar='N',
    help=f'candidates (default: {DEFAULT_TRIALS}; no limit with minutes)',
  )
  group.add_argument(
    '--minutes',
    type=_number,
    metavar='M',
    help='of wall time: six tenths for candidates, the rest for the finalists',
  )
  group.add_argument(
    '--cpu-minutes',
    type=_number,
    metavar='M',
    help='of CPU time, divided likewise: a busy machine does the same search, only later',
  )
  group.add_argument(
    '--first-stage',
    type=int,
    default=0,
    metavar='N',
    help='first check N networks of every resolution and width, and search only the most '
    f'promising of these spaces {_D}',
  )
  group.add_argument(
    '--top', type=_count, default=1, metavar='K', help=f'finalists that are trained {_D}'
  )
  group.add_argument(
    '--finalists',
    choices=[each.value for each in Finalists],
    default=Finalists.INHERITED.value,
    help='what they begin with where the fitness is supernet: the weights that they were judged '
    f'with, or scratch {_D}',
  )
  group.add_argument(
    '--distill',
    type=_number,
    default=0.0,
    metavar='PART',
    help="of the finalists' loss, against what the largest network of the supernet says (default: "
    'none)',
  )
  flags.add_seed(group, 1)
  group.add_argument(
    '--engine',
    default='local',
    metavar='NAME',
    help=f'where candidates and finalists are trained: local or ray, see docs/cluster.md {_D}',
  )
  group.add_argument(
    '--ray-address',
    metavar='HOST:PORT',
    help='of the Ray cluster (default: RAY_ADDRESS, or the one on this machine)',
  )


def _define_training(group: flags.Group) -> None:
  group.add_argument(
    '--search-epochs',
    type=_count,
    metavar='N',
    default=DEFAULT_EFFORT.epochs,
    help=f'of each candidate {_D}',
  )
  group.add_argument(
    '--search-share',
    type=_number,
    metavar='PART',
    default=DEFAULT_EFFORT.share,
    help=f'of the training examples, for each candidate {_D}',
  )
  group.add_argument(
    '--epochs',
    type=_count,
    metavar='N',
    help='of each finalist (default: 60, or what minutes give)',
  )
  flags.add_qat(group)
  flags.add_batch(group, DEFAULT_EFFORT.batch_size)
  flags.add_rate(group)
  flags.add_flip(group)
  flags.add_threads(group, '1: the same scores every time; ')


def _objectives(arguments: argparse.Namespace) -> Objectives:
  names = ('arena', 'flash', 'macs', 'instructions', 'milliseconds', 'millijoules')
  return Objectives.of(
    arguments.target,
    axes=arguments.axes,
    milliwatts=arguments.milliwatts,
    input_rows=arguments.input_rows,
    allow_slower=arguments.allow_slower,
    **{name: getattr(arguments, name) for name in names},
  )


def _options(arguments: argparse.Namespace) -> SearchOptions:
  varied = dataclasses.replace(OPTIONS.augmentation, flip=arguments.flip)
  training = TrainOptions(
    epochs=arguments.epochs,
    batch_size=arguments.batch_size,
    learning_rate=arguments.learning_rate,
    augmentation=varied,
    qat_epochs=arguments.qat_epochs,
  )
  effort = Effort(
    arguments.search_epochs,
    arguments.search_share,
    arguments.batch_size,
    arguments.seed,
    arguments.threads,
    dataclasses.replace(training, epochs=None, qat_epochs=0),
  )
  return SearchOptions(
    strategy=arguments.strategy,
    settings=arguments.settings,
    fitness=arguments.fitness,
    prefilter=arguments.prefilter,
    effort=effort,
    trials=arguments.trials,
    minutes=arguments.minutes,
    cpu_minutes=arguments.cpu_minutes,
    first_stage=arguments.first_stage,
    seed=arguments.seed,
    top=arguments.top,
    training=training,
    engine=EngineOptions(arguments.engine, arguments.ray_address),
    finalists=Finalists(arguments.finalists),
    distill=arguments.distill,
  )


def _run(arguments: argparse.Namespace) -> int:
  from tflm_patch.nas.search import search
  from tflm_patch.report import search as report

  output = folder_of(arguments, 'search')
  goals, options = _objectives(arguments), _options(arguments)
  with Progress(not arguments.json) as progress:
    result = search(
      arguments.data,
      arguments.space,
      goals,
      options,
      output,
      windows=arguments.forecast,
      resume=arguments.resume,
      overwrite=arguments.overwrite,
      progress=progress,
    )
    progress('Writing the report')
    written = report.write_report(
      result, output, command_line('search', _define, arguments, output)
    )
  if arguments.json:
    say_json({**result.to_json(), 'output': output, 'written': written})
  else:
    say(report.summary(result, written))
  return 0 if report.is_good(result) else 1


COMMAND = Command(
  name='search',
  summary='finds the best network for your data within an exact arena, flash and time',
  usage='--data FOLDER|FILE [--arena SIZE] [--flash SIZE] [--target CHIP] [--minutes M] ...',
  examples=(
    'tflm-patch search --data photos --arena 32KB --flash 256KB --target stm32f412',
    'tflm-patch search --data photos --arena 32KB --space mcunet --minutes 120 --top 3 -o found',
    'tflm-patch search --data photos --arena 32KB --space mcunet --minutes 120 --top 3 -o found '
    '--resume',
    'tflm-patch search --data photos --target stm32f412 --milliseconds 50 --strategy aging',
    'tflm-patch search --data photos --arena 32KB --engine ray --ray-address 10.0.0.5:6379',
  ),
  define=_define,
  run=_run,
)
