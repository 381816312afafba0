# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch adapt."""

from __future__ import annotations

import argparse
import pathlib
import shlex
from collections.abc import Callable

from tflm_patch.bench import cpus
from tflm_patch.cli import values
from tflm_patch.cli.command import Command, UsageError, add_json, add_model
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.codegen.compiler import identifier
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import read_model
from tflm_patch.graph.types import Model
from tflm_patch.on_device.component import TrainingComponent
from tflm_patch.on_device.instructions import DEFAULT_CPU, default_arithmetic, known_cpus
from tflm_patch.on_device.options import Arithmetic, TrainingOptions
from tflm_patch.on_device.simulation.adaptation import AdaptOptions, adapt
from tflm_patch.on_device.simulation.contributions import Analysis
from tflm_patch.on_device.simulation.ends import with_int8_ends

_count = values.argument(values.parse_count)
_size = values.argument(values.parse_size)
_factor: Callable[[str], float] = values.argument(values.parse_factor)
_number: Callable[[str], float] = values.argument(values.parse_number)
_D = '(default: %(default)s)'


def _define(parser: argparse.ArgumentParser) -> None:
  add_model(parser, text='the int8 model, not converted')
  parser.add_argument(
    '--data',
    required=True,
    metavar='FOLDER|FILE',
    help='a folder (or .tar) with a folder of images for each class, or a .npz with x and y',
  )
  parser.add_argument(
    '--memory',
    type=_size,
    required=True,
    metavar='SIZE',
    help='that a training step may take in all, the input and an inference counted',
  )
  parser.add_argument(
    '--flash', type=_size, metavar='SIZE', help='of constants (default: no limit)'
  )
  parser.add_argument(
    '--max-step',
    type=_factor,
    metavar='FACTOR',
    help='a training step may take so many inferences, as in 2.5x, by predicted instructions '
    '(default: 3x, or what training the least takes)',
  )
  parser.add_argument(
    '--cpu',
    default=DEFAULT_CPU,
    help=f'the core that these are counted for: {", ".join(known_cpus())} {_D}',
  )
  parser.add_argument(
    '--classes',
    type=_count,
    metavar='N',
    help="a new last layer for so many classes (default: the model's, which is trained on)",
  )
  parser.add_argument(
    '-o', '--output', metavar='FOLDER', help='to write into (default: MODEL_adapt)'
  )
  parser.add_argument(
    '--force', action='store_true', help='replace the files of an earlier run in the folder'
  )
  parser.add_argument(
    '--name', default='model', help=f'what the names of the C functions begin with {_D}'
  )
  parser.add_argument(
    '--standalone', action='store_true', help='write the sources of the needed kernels, too'
  )
  group = parser.add_argument_group('training')
  group.add_argument(
    '--analysis',
    choices=[each.value for each in Analysis],
    default=Analysis.FISHER.value,
    help='of what each tensor is worth: fisher information, or contribution, which simulates the '
    f'training of each and takes longer {_D}',
  )
  group.add_argument(
    '--accumulate',
    type=_count,
    metavar='N',
    default=1,
    help=f'samples whose gradients are averaged for an update; more than 1 need memory {_D}',
  )
  group.add_argument(
    '--epochs', type=_count, metavar='N', default=20, help=f'how often each sample is seen {_D}'
  )
  group.add_argument(
    '--learning-rate',
    type=_number,
    metavar='R',
    help='where its search begins (default: 0.02 times the square root of --accumulate)',
  )
  group.add_argument(
    '--arithmetic',
    choices=[each.value for each in Arithmetic],
    help='of gradients (default: integer where --cpu has no floating-point unit, else float32)',
  )
  group.add_argument(
    '--input-rows', type=_count, metavar='N', help='the model takes its image in bands of N rows'
  )
  group.add_argument('--seed', type=_count, metavar='N', default=1, help=_D)
  add_json(parser)


def _options(arguments: argparse.Namespace) -> AdaptOptions:
  samples, cpu = arguments.accumulate, cpus.find(arguments.cpu).name
  arithmetic = default_arithmetic(cpu)
  if arguments.arithmetic is not None:
    arithmetic = Arithmetic(arguments.arithmetic)
  rate = arguments.learning_rate
  return AdaptOptions(
    memory=arguments.memory,
    classes=arguments.classes,
    training=TrainingOptions(
      samples=samples, seed=arguments.seed, input_rows=arguments.input_rows, arithmetic=arithmetic
    ),
    rate=0.02 * samples**0.5 if rate is None else rate,
    epochs=arguments.epochs,
    analysis=Analysis(arguments.analysis),
    max_step=arguments.max_step,
    cpu=cpu,
    seed=arguments.seed,
  )


def _run(arguments: argparse.Namespace) -> int:
  from tflm_patch.report import adaptation as report
  from tflm_patch.training.adaptation_data import read_adaptation_data

  if identifier(arguments.name) != arguments.name:
    raise UsageError(f'--name {arguments.name} is no name in C; use letters, digits and _')
  output = arguments.output or f'{pathlib.Path(arguments.model).stem}_adapt'
  options = _options(arguments)
  with Progress(not arguments.json) as progress:
    model = with_int8_ends(read_model(arguments.model))
    data = read_adaptation_data(arguments.data, model, options.seed, progress)
    _check_classes(model, data.classes, options)
    found = adapt(model, data.train, data.test, options, progress)
    component = report.component_of(found, arguments.name, arguments.standalone)
    _check_flash(component, arguments.flash)
    folder = pathlib.Path(output)
    written = report.write(found, component, _command(arguments), folder, arguments.force)
  if arguments.json:
    say_json({**report.result_json(found, component), 'output': output, 'written': written})
  else:
    say(report.summary(found, component, output))
  return 0


def _check_classes(model: Model, classes: tuple[str, ...], options: AdaptOptions) -> None:
  outputs = model.main.tensors[model.main.outputs[0]].elements
  if options.classes is None and len(classes) > outputs:
    raise TflmPatchError(
      f'the data have {len(classes)} classes, the model {outputs}; add --classes {len(classes)}'
    )


def _check_flash(component: TrainingComponent, limit: int | None) -> None:
  if limit is not None and component.constants_bytes > limit:
    raise TflmPatchError(
      f'the constants take {component.constants_bytes:,} bytes of flash, more than {limit:,}; give '
      'more, or a smaller model'
    )


def _command(arguments: argparse.Namespace) -> str:
  """The command line that finds the same again."""
  words = ['tflm-patch', 'adapt', arguments.model, '--data', arguments.data]
  words += ['--memory', str(arguments.memory)]
  for name in (
    'flash',
    'max_step',
    'cpu',
    'arithmetic',
    'classes',
    'analysis',
    'accumulate',
    'epochs',
    'learning_rate',
  ):
    value = getattr(arguments, name)
    if value is not None:
      words += [f'--{name.replace("_", "-")}', str(value)]
  if arguments.input_rows is not None:
    words += ['--input-rows', str(arguments.input_rows)]
  return shlex.join([*words, '--seed', str(arguments.seed)])


COMMAND = Command(
  name='adapt',
  summary='lets a chip train an int8 model further: what to update within a memory, as C',
  usage='model.tflite --data FOLDER|FILE --memory SIZE [--classes N] [-o FOLDER] ...',
  examples=(
    'tflm-patch adapt model.tflite --data photos --memory 64KB --classes 5',
    'tflm-patch adapt model.tflite --data samples.npz --memory 32KB -o learner --standalone',
    'tflm-patch adapt model.tflite --data photos --memory 64KB --analysis contribution --json',
  ),
  define=_define,
  run=_run,
)
