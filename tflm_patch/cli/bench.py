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
from tflm_patch.cli import convert_flags
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
  convert_flags.define(parser)
  add_json(parser)


def _run(arguments: argparse.Namespace) -> int:
  options = convert_flags.options(arguments)
  chip = None if arguments.target is None else targets.load(arguments.target)
  core = _core(arguments.cpu, chip)
  with Progress(not arguments.json) as progress:
    result = bench(arguments.model, core, options, f'-{arguments.optimization}', progress)
  found = estimates(result.instructions, core, None if chip is None else [chip])
  if arguments.json:
    chips = [dataclasses.asdict(estimate) for estimate in found]
    say_json({**result.to_json(), 'estimates': chips})
  else:
    say(bench_summary(result, found))
  return 0 if result.bit_exact else 1


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
  summary='counts instructions, stack and code on an emulated microcontroller',
  usage='model.tflite --cpu cortex-m4 [--target chip] [--int8-io] [-O Os] [--json]',
  examples=(
    'tflm-patch bench model.tflite --cpu cortex-m4',
    'tflm-patch bench model_patch.tflite --cpu m55 --json',
    'tflm-patch bench model.tflite --target stm32f746 --int8-io',
  ),
  define=_define,
  run=_run,
)
