# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch bench."""

from __future__ import annotations

import argparse
import dataclasses

from tflm_patch import targets
from tflm_patch.bench import cpus
from tflm_patch.bench.estimate import core_of, estimates
from tflm_patch.bench.image import OPTIMIZATIONS
from tflm_patch.bench.measure import bench
from tflm_patch.bench.model_cycles import why_not
from tflm_patch.bench.timing import Flash
from tflm_patch.cli import convert_flags, values
from tflm_patch.cli.command import Command, UsageError, add_json, add_model
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.report.bench_table import bench_summary
from tflm_patch.targets import Target


def _define(parser: argparse.ArgumentParser) -> None:
  add_model(parser, text='the model, converted or not')
  parser.add_argument(
    '--cpu', help=f'the core: {", ".join(cpus.CPUS)}; without it that of --target'
  )
  parser.add_argument(
    '-O',
    '--optimization',
    choices=[flag[1:] for flag in OPTIMIZATIONS],
    default='O2',
    help='of the C compiler (default: %(default)s)',
  )
  parser.add_argument(
    '--wait-states',
    type=values.argument(values.parse_count),
    metavar='N',
    help='of flash with code and constants behind a small cache, for the cycles',
  )
  parser.add_argument(
    '--train',
    metavar='SCHEME',
    help='measures a training step instead: the scheme.json beside the model that adapt wrote',
  )
  convert_flags.define(parser)
  add_json(parser)


def _run(arguments: argparse.Namespace) -> int:
  if arguments.train is not None:
    return _run_training(arguments)
  options = convert_flags.options(arguments)
  chip = None if arguments.target is None else targets.load(arguments.target)
  core = _core(arguments.cpu, chip)
  flash = _flash(arguments.wait_states, core)
  with Progress(not arguments.json) as progress:
    level = f'-{arguments.optimization}'
    result = bench(arguments.model, core, options, level, progress, flash)
  modelled = None if result.cycles is None else result.cycles.total.cycles
  found = estimates(result.instructions, core, None if chip is None else [chip], modelled)
  if arguments.json:
    chips = [dataclasses.asdict(estimate) for estimate in found]
    say_json({**result.to_json(), 'estimates': chips})
  else:
    say(bench_summary(result, found))
  return 0 if result.bit_exact else 1


def _run_training(arguments: argparse.Namespace) -> int:
  from tflm_patch.on_device.step_bench import bench_step
  from tflm_patch.report.step_table import step_summary

  chip = None if arguments.target is None else targets.load(arguments.target)
  core = _core(arguments.cpu, chip)
  flash, level = _flash(arguments.wait_states, core), f'-{arguments.optimization}'
  with Progress(not arguments.json) as progress:
    found = bench_step(arguments.model, arguments.train, core, level, flash, progress)
  cycles = None if found.cost.cycles is None else found.cost.cycles.cycles
  chips = estimates(round(found.cost.step), core, None if chip is None else [chip], cycles)
  if arguments.json:
    say_json({**found.to_json(), 'estimates': [dataclasses.asdict(each) for each in chips]})
  else:
    say(step_summary(found, chips))
  return 0 if found.is_as_planned else 1


def _flash(wait_states: int | None, core: str) -> Flash | None:
  """The flash that cycles are to be told with."""
  if wait_states is None:
    return None
  missing = why_not(cpus.find(core))
  if missing is not None:
    raise UsageError(f'--wait-states needs modelled cycles: {missing}')
  return Flash(wait_states)


def _core(wanted: str | None, chip: Target | None) -> str:
  """The core to measure on."""
  if wanted is not None:
    core = cpus.find(wanted).name
    if chip is not None and core_of(chip) != core:
      raise UsageError(f'the core of {chip.name} is {chip.cpu}, not {core}; leave --cpu out')
    return core
  if chip is None:
    raise UsageError('bench needs --cpu or --target; see tflm-patch bench --help')
  found = core_of(chip)
  if found is None:
    known = ', '.join(cpus.CPUS)
    raise UsageError(f'{chip.name}: no {chip.cpu} can be emulated; choose with --cpu: {known}')
  return found


COMMAND = Command(
  name='bench',
  summary='counts instructions, cycles, stack and code on an emulated microcontroller',
  usage='model.tflite --cpu cortex-m4 [--target chip] [--int8-io] [-O Os] [--json]',
  examples=(
    'tflm-patch bench model.tflite --cpu cortex-m4',
    'tflm-patch bench model_patch.tflite --cpu m55 --json',
    'tflm-patch bench model.tflite --cpu m4 --wait-states 5',
    'tflm-patch bench model.tflite --target stm32f746 --int8-io',
    'tflm-patch bench learner/model.tflite --train learner/scheme.json --cpu cortex-m4',
  ),
  define=_define,
  run=_run,
)
