# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch analyze."""

from __future__ import annotations

import json

from absl import flags

from tflm_patch.cli import convert_flags
from tflm_patch.cli.command import Command, Progress
from tflm_patch.report.analysis import analyze
from tflm_patch.report.plot import plot_memory
from tflm_patch.report.tables import analysis_summary


def _define(values: flags.FlagValues) -> None:
  convert_flags.define(values)
  flags.DEFINE_string('plot', None, 'PNG file for the memory chart', flag_values=values)


def _run(values: flags.FlagValues, arguments: list[str]) -> int:
  progress = Progress(not values.json)
  try:
    progress('Planning')
    analysis = analyze(arguments[0], convert_flags.options(values), progress)
    if values.plot:
      plot_memory(analysis, values.plot)
  finally:
    progress.done()
  print(json.dumps(analysis.to_json(), indent=2) if values.json else analysis_summary(analysis))
  if values.plot and not values.json:
    print(f'chart: {values.plot}')
  return 0


COMMAND = Command(
    name='analyze',
    summary='shows memory over time, before and after, and what bounds the peak',
    arguments='model.tflite [--plot out.png] [--int8-io] [--json]',
    positional=(1, 1),
    examples=(
        'tflm-patch analyze model.tflite --plot memory.png',
        'tflm-patch analyze model.tflite --json',
    ),
    define=_define,
    action=_run,
)
