# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch pareto."""

from __future__ import annotations

import json

from absl import flags

from tflm_patch.analysis.pareto import pareto
from tflm_patch.api import ConvertOptions
from tflm_patch.cli.command import Command, Progress
from tflm_patch.report.pareto_html import write_html
from tflm_patch.report.plot import plot_pareto
from tflm_patch.report.tables import pareto_summary


def _define(values: flags.FlagValues) -> None:
  flags.DEFINE_bool(
      'int8_io', False, 'inputs and outputs become int8, as for convert', flag_values=values
  )
  flags.DEFINE_integer(
      'input_rows', None, 'input in bands of rows, as for convert', lower_bound=1,
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_string('plot', None, 'PNG file for arena against MACs', flag_values=values)
  flags.DEFINE_string(
      'html', None, 'HTML file with chart and table, complete in itself', flag_values=values
  )
  flags.DEFINE_bool('json', False, 'print the points for machines', flag_values=values)


def _run(values: flags.FlagValues, arguments: list[str]) -> int:
  progress = Progress(not values.json)
  options = ConvertOptions(int8_io=values.int8_io, input_rows=values.input_rows)
  try:
    found = pareto(arguments[0], options, progress)
    if values.plot:
      plot_pareto(found, arguments[0], values.plot)
    if values.html:
      write_html(found, arguments[0], values.html)
  finally:
    progress.done()
  print(json.dumps(found.to_json(), indent=2) if values.json else pareto_summary(found))
  for name, path in (('chart', values.plot), ('report', values.html)):
    if path and not values.json:
      print(f'{name}: {path}')
  return 0


COMMAND = Command(
    name='pareto',
    summary='compares arena and work of all schedules and budgets',
    arguments='model.tflite [--plot a.png] [--html a.html] [--int8-io] [--input-rows N] [--json]',
    positional=(1, 1),
    examples=(
        'tflm-patch pareto model.tflite',
        'tflm-patch pareto model.tflite --plot pareto.png',
        'tflm-patch pareto model.tflite --input-rows 1 --html report.html',
    ),
    define=_define,
    action=_run,
)
