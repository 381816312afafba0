# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch analyze."""

from __future__ import annotations

import argparse

from tflm_patch import targets
from tflm_patch.analysis.memory import analyze
from tflm_patch.analysis.patch_report import DEFAULT_GRID, receptive_field
from tflm_patch.api import ConvertOptions
from tflm_patch.cli import convert_flags
from tflm_patch.cli.command import Command, UsageError, add_json, add_model
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.graph.files import check_outputs
from tflm_patch.report.plot import plot_memory, require_matplotlib
from tflm_patch.report.tables import analysis_summary, receptive_field_summary

# What has a meaning where nothing is converted.
_OF_RECEPTIVE_FIELDS = ('receptive_field', 'grid', 'patch_depth', 'int8_io', 'plugins', 'json')


def _define(parser: argparse.ArgumentParser) -> None:
  add_model(parser)
  parser.add_argument('--plot', metavar='FILE', help='PNG file for the memory chart')
  parser.add_argument(
    '--receptive-field',
    action='store_true',
    help='receptive fields instead, and what running the first operators by patches would cost',
  )
  convert_flags.define(parser)
  add_json(parser)
  parser.set_defaults(parser=parser)


def _run(arguments: argparse.Namespace) -> int:
  if arguments.receptive_field:
    return _run_receptive_field(arguments)
  options = convert_flags.options(arguments)
  if arguments.plot:
    require_matplotlib()
    check_outputs([arguments.model], [arguments.plot])
  with Progress(not arguments.json) as progress:
    progress('Planning')
    chip = None if arguments.target is None else targets.load(arguments.target)
    clock_hz = None if chip is None else chip.clock_hz
    analysis = analyze(arguments.model, options, progress, clock_hz)
    if arguments.plot:
      plot_memory(analysis, arguments.plot)
  if arguments.json:
    say_json(analysis.to_json(), arguments.plot)
    return 0
  say(analysis_summary(analysis), arguments.plot)
  if arguments.plot:
    say(f'chart: {arguments.plot}', arguments.plot)
  return 0


def _run_receptive_field(arguments: argparse.Namespace) -> int:
  for name, value in vars(arguments).items():
    known = (*_OF_RECEPTIVE_FIELDS, 'model', 'run', 'parser')
    if name not in known and value != arguments.parser.get_default(name):
      option = '--no-offline-plan' if name == 'offline_plan' else f'--{name.replace("_", "-")}'
      raise UsageError(f'{option} and --receptive-field exclude each other; leave one of them out')
  report = receptive_field(
    arguments.model,
    arguments.grid or DEFAULT_GRID,
    arguments.patch_depth,
    ConvertOptions(int8_io=arguments.int8_io, plugins=arguments.plugins),
  )
  if arguments.json:
    say_json(report.to_json())
  else:
    say(receptive_field_summary(report))
  return 0


COMMAND = Command(
  name='analyze',
  summary='shows memory over time, before and after, and what bounds the peak',
  usage='model.tflite [--plot out.png] [--int8-io] [--receptive-field] [--json] ...',
  examples=(
    'tflm-patch analyze model.tflite --plot memory.png',
    'tflm-patch analyze model.tflite --json',
    'tflm-patch analyze model.tflite --receptive-field --grid 3x3',
  ),
  define=_define,
  run=_run,
)
