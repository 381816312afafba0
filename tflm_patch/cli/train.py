# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch train."""

from __future__ import annotations

import argparse
import pathlib
import shlex
from collections.abc import Callable

from tflm_patch.cli import values
from tflm_patch.cli.command import Command, UsageError, add_json
from tflm_patch.cli.data_flags import add_data, add_output, add_resume
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.training.data.augmentation import Augmentation
from tflm_patch.training.data.series import Windows
from tflm_patch.training.options import DEFAULT as OPTIONS
from tflm_patch.training.options import DEFAULT_EPOCHS, Budgets, Optimizer, TrainOptions

_VARY = OPTIONS.augmentation


def _define(parser: argparse.ArgumentParser) -> None:
  add_data(parser)
  parser.add_argument(
    '--model',
    required=True,
    metavar='SPEC',
    help='an architecture by name or as text (docs/specs.md); its classes become those of the data',
  )
  add_output(parser, 'models, checkpoint and report', 'DATA_training')
  parser.add_argument(
    '--resolution',
    type=_count,
    metavar='SIDE',
    help='rows and columns that images are resized to (default: those of the model)',
  )
  _define_budgets(parser.add_argument_group('what the model may take'))
  _define_training(parser.add_argument_group('training'))
  _define_augmentation(parser.add_argument_group('how images are varied'))
  add_resume(parser, 'checkpoint', 'training')
  add_json(parser)


_Group = argparse._ArgumentGroup
_count = values.argument(values.parse_count)
_size = values.argument(values.parse_size)


def _define_budgets(group: _Group) -> None:
  group.add_argument(
    '--arena', type=_size, metavar='SIZE', help='of arena, the input counted (default: no limit)'
  )
  group.add_argument(
    '--flash', type=_size, metavar='SIZE', help='of the converted file (default: no limit)'
  )
  group.add_argument(
    '--input-rows',
    type=_count,
    metavar='N',
    help='the model takes its image in bands of N rows, and never holds it whole',
  )


def _define_training(group: _Group) -> None:
  group.add_argument(
    '--epochs',
    type=_count,
    metavar='N',
    help=f'at most so many (default: {DEFAULT_EPOCHS}; no limit with minutes)',
  )
  group.add_argument('--minutes', type=_number, metavar='M', help='at most so many of wall time')
  group.add_argument(
    '--cpu-minutes', type=_number, metavar='M', help='at most so many of CPU time, all threads'
  )
  group.add_argument('--batch-size', type=_count, metavar='N', default=OPTIONS.batch_size, help=_D)
  group.add_argument(
    '--optimizer',
    choices=[each.value for each in Optimizer],
    default=OPTIONS.optimizer.value,
    help=_D,
  )
  group.add_argument(
    '--learning-rate', type=_number, metavar='R', help='the highest (default: sgd 0.1, adamw 0.002)'
  )
  group.add_argument(
    '--weight-decay', type=_number, metavar='D', help='decoupled (default: sgd 0.005, adamw 0.05)'
  )
  for name, meaning in (
    ('label_smoothing', 'of the targets of classes'),
    ('average', "decay of the weights' moving average, which is kept; 0 for none"),
    ('dropout', 'before the classifier'),
  ):
    group.add_argument(
      f'--{name.replace("_", "-")}',
      type=_number,
      metavar='PART',
      default=getattr(OPTIONS, name),
      help=f'{meaning} {_D}',
    )
  group.add_argument(
    '--start-scale',
    type=_number,
    metavar='PART',
    default=OPTIONS.start_scale,
    help=f'training begins with images of this part of the sides, for more epochs in a time {_D}',
  )
  group.add_argument(
    '--qat-epochs',
    type=int,
    metavar='N',
    default=OPTIONS.qat_epochs,
    help=f'of quantization-aware training at the end, beyond the others {_D}',
  )
  group.add_argument('--seed', type=int, metavar='N', default=OPTIONS.seed, help=_D)
  group.add_argument(
    '--threads', type=_count, metavar='N', help="default: the backend's choice, all cores"
  )


def _define_augmentation(group: _Group) -> None:
  group.add_argument(
    '--no-flip', dest='flip', action='store_false', help='never mirrored left to right'
  )
  for name, meaning in (
    ('shift', 'by up to this part of the sides'),
    ('rotation', 'by up to so many degrees'),
    ('zoom', 'by up to this part'),
    ('brightness', 'by up to this part'),
    ('contrast', 'by up to this part'),
    ('cutout', 'a grey square of this part of the side'),
    ('mixup', 'two images are mixed: alpha of the Beta distribution'),
  ):
    group.add_argument(
      f'--{name}', type=_number, metavar='X', default=getattr(_VARY, name), help=f'{meaning} {_D}'
    )


_D = '(default: %(default)s)'


_number: Callable[[str], float] = values.argument(values.parse_number)


def _options(arguments: argparse.Namespace) -> TrainOptions:
  names = ('flip', 'shift', 'rotation', 'zoom', 'brightness', 'contrast', 'cutout', 'mixup')
  return TrainOptions(
    epochs=arguments.epochs,
    minutes=arguments.minutes,
    cpu_minutes=arguments.cpu_minutes,
    batch_size=arguments.batch_size,
    optimizer=arguments.optimizer,
    learning_rate=arguments.learning_rate,
    weight_decay=arguments.weight_decay,
    label_smoothing=arguments.label_smoothing,
    average=arguments.average,
    dropout=arguments.dropout,
    augmentation=Augmentation(**{name: getattr(arguments, name) for name in names}),
    start_scale=arguments.start_scale,
    qat_epochs=arguments.qat_epochs,
    seed=arguments.seed,
    threads=arguments.threads,
  )


def _run(arguments: argparse.Namespace) -> int:
  from tflm_patch.report import training as report
  from tflm_patch.training.run import DataOptions, train

  if arguments.resume and arguments.overwrite:
    raise UsageError('--resume and --overwrite exclude each other')
  output = arguments.output or f'{pathlib.Path(arguments.data).resolve().stem}_training'
  with Progress(not arguments.json) as progress:
    result = train(
      arguments.data,
      arguments.model,
      _options(arguments),
      Budgets(arguments.arena, arguments.flash, arguments.input_rows),
      output,
      DataOptions(arguments.resolution, arguments.forecast),
      resume=arguments.resume,
      overwrite=arguments.overwrite,
      progress=progress,
    )
    progress('Writing the report')
    written = report.write_report(result, output, _command(arguments, output))
  if arguments.json:
    say_json({**result.to_json(), 'output': output, 'written': written})
  else:
    say(report.summary(result, written))
  return 1 if result.missed() or result.verified is False else 0


def _command(arguments: argparse.Namespace, output: str) -> str:
  """The command line that trains the same again, with what differs from the defaults."""
  words = ['tflm-patch', 'train']
  defaults = argparse.ArgumentParser()
  _define(defaults)
  given = {**vars(arguments), 'output': output}
  for action in defaults._actions:
    value = given.get(action.dest)
    is_said = action.dest in ('resume', 'overwrite', 'json', 'help') or value == action.default
    if is_said or value is None:
      continue
    words.append(action.option_strings[-1])
    if action.nargs != 0:
      words.append(f'{value.steps},{value.horizon}' if isinstance(value, Windows) else str(value))
  return shlex.join(words)


COMMAND = Command(
  name='train',
  summary='trains a model on a folder of images or on series, within an arena and flash',
  usage='--data FOLDER|FILE --model SPEC [--arena SIZE] [--flash SIZE] [-o FOLDER] ...',
  examples=(
    'tflm-patch train --data photos --model mobilenet_v2:0.35 --resolution 96 '
    '--arena 32KB --flash 768KB',
    'tflm-patch train --data photos --model mobilenet_v2:0.35 --resolution 96 --minutes 30 -o out',
    'tflm-patch train --data photos --model mobilenet_v2:0.35 --resolution 96 --minutes 30 '
    '-o out --resume',
    "tflm-patch train --data series.npz --model 'in64x1x3 conv5x1_s2x1_c16 ds5x1_s2x1_c32 fc4' "
    '--optimizer adamw',
  ),
  define=_define,
  run=_run,
)
