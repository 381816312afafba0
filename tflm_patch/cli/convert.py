# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch convert."""

from __future__ import annotations

import json

from absl import flags

from tflm_patch import api
from tflm_patch.cli import convert_flags
from tflm_patch.cli.command import Command, Progress
from tflm_patch.report.tables import conversion_summary


def _define(values: flags.FlagValues) -> None:
  convert_flags.define(values)
  flags.DEFINE_string(
      'output', None, 'file to write (default: model_patch.tflite beside model.tflite)',
      short_name='o', flag_values=values,
  )  # fmt: skip


def _run(values: flags.FlagValues, arguments: list[str]) -> int:
  progress = Progress(not values.json)
  try:
    result = api.convert(arguments[0], values.output, convert_flags.options(values), progress)
  finally:
    progress.done()
  output = values.output or str(api.default_output(arguments[0]))
  if values.json:
    print(json.dumps({**result.to_json(), 'output': output}, indent=2))
  else:
    print(conversion_summary(result, output))
  return 0


COMMAND = Command(
    name='convert',
    summary='rewrites a model into row-streamed stages that need a fraction of the arena',
    arguments=(
        'model.tflite [-o out.tflite] [--int8-io] [--input-rows N] [--arena SIZE] '
        '[--max-overhead F] [--schedule S] [--json]'
    ),
    positional=(1, 1),
    examples=(
        'tflm-patch convert model.tflite',
        'tflm-patch convert model.tflite -o small.tflite --int8-io',
        'tflm-patch convert model.tflite --input-rows 2',
        'tflm-patch convert model.tflite --arena 64KB',
        'tflm-patch convert model.tflite --plugins=-fold_pad --json',
    ),
    define=_define,
    action=_run,
)
