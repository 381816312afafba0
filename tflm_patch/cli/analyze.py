# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch analyze."""

from __future__ import annotations

import json

from absl import flags

from tflm_patch.analysis.memory import analyze
from tflm_patch.analysis.patch_report import DEFAULT_GRID, receptive_field
from tflm_patch.api import ConvertOptions
from tflm_patch.cli import convert_flags
from tflm_patch.cli.command import Command, Progress, UsageError
from tflm_patch.report.plot import plot_memory
from tflm_patch.report.tables import analysis_summary, receptive_field_summary

# What has no meaning where nothing is converted.
_CONVERSION_ONLY = (
    'plot', 'keep_input', 'input_rows', 'arena', 'minimize', 'max_overhead', 'schedule',
    'offline_plan', 'target',
)  # fmt: skip


def _define(flag_values: flags.FlagValues) -> None:
  convert_flags.define(flag_values)
  flags.DEFINE_string('plot', None, 'PNG file for the memory chart', flag_values=flag_values)
  flags.DEFINE_bool(
      'receptive_field', False,
      'receptive fields instead, and what running the first operators by patches would cost',
      flag_values=flag_values,
  )  # fmt: skip


def _run(flag_values: flags.FlagValues, arguments: list[str]) -> int:
  if flag_values.receptive_field:
    return _run_receptive_field(flag_values, arguments[0])
  progress = Progress(not flag_values.json)
  try:
    progress('Planning')
    analysis = analyze(arguments[0], convert_flags.options(flag_values), progress)
    if flag_values.plot:
      plot_memory(analysis, flag_values.plot)
  finally:
    progress.done()
  is_json = flag_values.json
  print(json.dumps(analysis.to_json(), indent=2) if is_json else analysis_summary(analysis))
  if flag_values.plot and not is_json:
    print(f'chart: {flag_values.plot}')
  return 0


def _run_receptive_field(flag_values: flags.FlagValues, path: str) -> int:
  _refuse(flag_values, _CONVERSION_ONLY, 'and --receptive-field exclude each other')
  report = receptive_field(
      path,
      flag_values.grid or DEFAULT_GRID,
      flag_values.patch_depth,
      ConvertOptions(int8_io=flag_values.int8_io, plugins=tuple(flag_values.plugins)),
  )
  is_json = flag_values.json
  print(json.dumps(report.to_json(), indent=2) if is_json else receptive_field_summary(report))
  return 0


def _refuse(flag_values: flags.FlagValues, names: tuple[str, ...], reason: str) -> None:
  for name in names:
    if flag_values[name].present:
      raise UsageError(f'--{name.replace("_", "-")} {reason}; see tflm-patch analyze --help')


COMMAND = Command(
    name='analyze',
    summary='shows memory over time, before and after, and what bounds the peak',
    arguments='model.tflite [--plot out.png] [--int8-io] [--receptive-field] [--json]',
    positional=(1, 1),
    examples=(
        'tflm-patch analyze model.tflite --plot memory.png',
        'tflm-patch analyze model.tflite --json',
        'tflm-patch analyze model.tflite --receptive-field --grid 3x3',
    ),
    define=_define,
    action=_run,
)
