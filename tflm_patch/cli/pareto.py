# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch pareto."""

from __future__ import annotations

import argparse

from tflm_patch.analysis.hop_curve import hop_curve
from tflm_patch.analysis.pareto import pareto
from tflm_patch.api import ConvertOptions
from tflm_patch.cli import convert_flags, values
from tflm_patch.cli.command import Command, UsageError, add_json, add_model
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.cost import memories
from tflm_patch.graph.files import check_outputs
from tflm_patch.planner.options import PlanOptions
from tflm_patch.report.hop_curve import hop_curve_summary
from tflm_patch.report.pareto_html import write_html
from tflm_patch.report.plot import plot_pareto, require_matplotlib
from tflm_patch.report.tables import pareto_summary


def _define(parser: argparse.ArgumentParser) -> None:
  add_model(parser)
  parser.add_argument('--plot', metavar='FILE', help='PNG file for arena against MACs')
  parser.add_argument(
    '--html', metavar='FILE', help='HTML file with chart and table, complete in itself'
  )
  group = parser.add_argument_group('inputs and outputs of the model, as for convert')
  group.add_argument('--int8-io', action='store_true', help='inputs and outputs become int8')
  group.add_argument(
    '--input-rows',
    type=values.argument(values.parse_count),
    metavar='N',
    help='input in bands of N rows',
  )
  group.add_argument(
    '--hop',
    type=values.argument(values.parse_count),
    metavar='N',
    help='the input is a window that goes on by N rows: compares how much of its rows is kept',
  )
  convert_flags.add_fast(parser)
  add_json(parser)


def _run(arguments: argparse.Namespace) -> int:
  if arguments.hop is not None:
    return _run_hop(arguments)
  outputs = {'chart': arguments.plot, 'report': arguments.html}
  written = {name: path for name, path in outputs.items() if path}
  if arguments.plot:
    require_matplotlib()
  check_outputs([arguments.model], list(written.values()))
  options = ConvertOptions(
    int8_io=arguments.int8_io,
    input_rows=arguments.input_rows,
    plan=PlanOptions(memories=memories.of_target(arguments.fast, None)),
  )
  with Progress(not arguments.json) as progress:
    found = pareto(arguments.model, options, progress)
    if arguments.plot:
      plot_pareto(found, arguments.model, arguments.plot)
    if arguments.html:
      write_html(found, arguments.model, arguments.html)
  if arguments.json:
    say_json(found.to_json())
    return 0
  say(pareto_summary(found))
  for name, path in written.items():
    say(f'{name}: {path}')
  return 0


def _run_hop(arguments: argparse.Namespace) -> int:
  """What is kept of a window that slides, and what is computed again."""
  for flag, used in (
    ('--input-rows', arguments.input_rows),
    ('--plot', arguments.plot),
    ('--html', arguments.html),
  ):
    if used:
      raise UsageError(f'--hop and {flag} exclude each other; leave one of them out')
  options = ConvertOptions(int8_io=arguments.int8_io, hop=arguments.hop)
  with Progress(not arguments.json) as progress:
    found = hop_curve(arguments.model, options, progress)
  if arguments.json:
    say_json(found.to_json())
  else:
    say(hop_curve_summary(found))
  return 0


COMMAND = Command(
  name='pareto',
  summary='compares arena and work of all schedules and budgets',
  usage=(
    'model.tflite [--plot a.png] [--html a.html] [--int8-io] [--input-rows N|--hop N] '
    '[--fast SIZE] [--json]'
  ),
  examples=(
    'tflm-patch pareto model.tflite',
    'tflm-patch pareto model.tflite --plot pareto.png',
    'tflm-patch pareto model.tflite --hop 2',
    'tflm-patch pareto model.tflite --input-rows 1 --html report.html',
  ),
  define=_define,
  run=_run,
)
