# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch convert."""

from __future__ import annotations

import argparse

from tflm_patch import api
from tflm_patch.cli import convert_flags
from tflm_patch.cli.command import Command, add_json, add_model
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.report.tables import conversion_summary


def _define(parser: argparse.ArgumentParser) -> None:
  add_model(parser)
  parser.add_argument(
      '-o', '--output', metavar='FILE',
      help='file to write (default: model_patch.tflite beside model.tflite)',
  )  # fmt: skip
  convert_flags.define(parser)
  add_json(parser)


def _run(arguments: argparse.Namespace) -> int:
  options = convert_flags.options(arguments)
  output = arguments.output or str(api.default_output(arguments.model))
  with Progress(not arguments.json) as progress:
    result = api.convert(arguments.model, output, options, progress)
  if arguments.json:
    say_json({**result.to_json(), 'output': output}, output)
  else:
    say(conversion_summary(result, output), output)
  return 0


COMMAND = Command(
    name='convert',
    summary='rewrites a model into row-streamed stages that need a fraction of the arena',
    usage='model.tflite [-o out.tflite] [--int8-io] [--input-rows N] [--arena SIZE] ...',
    examples=(
        'tflm-patch convert model.tflite',
        'tflm-patch convert model.tflite -o small.tflite --int8-io',
        'tflm-patch convert model.tflite --input-rows 2',
        'tflm-patch convert model.tflite --arena 64KB',
        'tflm-patch convert model.tflite --plugins=-fold_pad --json',
    ),
    define=_define,
    run=_run,
)
