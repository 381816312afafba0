# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch train."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib

from tflm_patch.cli import training_flags as flags
from tflm_patch.cli.command import Command, add_json
from tflm_patch.cli.data_flags import (
  add_anomaly,
  add_data,
  add_output,
  add_resume,
  command_line,
  folder_of,
)
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.training.data.anomalies import AnomalyOptions
from tflm_patch.training.data.augmentation import Augmentation
from tflm_patch.training.options import DEFAULT as OPTIONS
from tflm_patch.training.options import DEFAULT_EPOCHS, Budgets, Optimizer, TrainOptions

_VARY = OPTIONS.augmentation
_D = flags.D
ADAPTATION = 'adaptation'  # a folder within the output
_count, _number = flags.count, flags.number


def _define(parser: argparse.ArgumentParser) -> None:
  add_data(parser)
  parser.add_argument(
    '--model',
    required=True,
    metavar='SPEC',
    help='an architecture by name or as text (docs/specs.md); its classes become those of the data',
  )
  add_output(parser, 'models, checkpoint and report', 'DATA_training')
  add_anomaly(parser)
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


def _define_budgets(group: flags.Group) -> None:
  flags.add_memory(group, 'no limit')
  flags.add_input_rows(
    group, 'the model takes its image in bands of N rows, and never holds it whole'
  )
  group.add_argument(
    '--adapt-memory',
    type=flags.size,
    metavar='SIZE',
    help='prepares the model to learn on the chip, where a training step may take so much, all '
    'counted (default: it is not prepared)',
  )


def _define_training(group: flags.Group) -> None:
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
  flags.add_batch(group, OPTIONS.batch_size)
  group.add_argument(
    '--optimizer',
    choices=[each.value for each in Optimizer],
    default=OPTIONS.optimizer.value,
    help=_D,
  )
  flags.add_rate(group)
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
  flags.add_qat(group)
  flags.add_seed(group, OPTIONS.seed)
  flags.add_threads(group)


def _define_augmentation(group: flags.Group) -> None:
  flags.add_flip(group)
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


def _anomaly(arguments: argparse.Namespace) -> AnomalyOptions | None:
  given: AnomalyOptions | None = arguments.anomaly
  if given is None and arguments.quantile != AnomalyOptions.quantile:
    given = AnomalyOptions()
  return given and dataclasses.replace(given, quantile=arguments.quantile)


def _run(arguments: argparse.Namespace) -> int:
  from tflm_patch.report import adaptation
  from tflm_patch.report import training as report
  from tflm_patch.training.preparation import prepare_adaptation
  from tflm_patch.training.run import DataOptions, train

  output = folder_of(arguments, 'training')
  with Progress(not arguments.json) as progress:
    result = train(
      arguments.data,
      arguments.model,
      _options(arguments),
      Budgets(arguments.arena, arguments.flash, arguments.input_rows, arguments.adapt_memory),
      output,
      DataOptions(arguments.resolution, arguments.forecast, _anomaly(arguments)),
      resume=arguments.resume,
      overwrite=arguments.overwrite,
      progress=progress,
    )
    progress('Writing the report')
    command = command_line('train', _define, arguments, output)
    written = report.write_report(result, output, command)
    prepared = None
    if arguments.adapt_memory is not None:
      prepared = prepare_adaptation(result, progress)
      component = adaptation.component_of(prepared, 'model', standalone=False)
      folder = pathlib.Path(output) / ADAPTATION
      adaptation.write(prepared, component, command, folder, force=True)
  if arguments.json:
    found = {} if prepared is None else {'adaptation': adaptation.result_json(prepared, component)}
    say_json({**result.to_json(), **found, 'output': output, 'written': written})
  else:
    say(report.summary(result, written))
    if prepared is not None:
      say('\na new last layer learns the same classes on the chip, simulated:')
      say(adaptation.summary(prepared, component, str(folder)))
  return 1 if result.missed() or result.verified is False else 0


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
    'tflm-patch train --data pump.npz --anomaly 64,4 --model ad_autoencoder --optimizer adamw',
  ),
  define=_define,
  run=_run,
)
