# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch convert."""

from __future__ import annotations

import argparse
import pathlib

from tflm_patch import api
from tflm_patch.cli import convert_flags, quantize_flags
from tflm_patch.cli.command import Command, UsageError, add_json, add_model
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.graph.files import check_outputs, write_atomically
from tflm_patch.report.tables import conversion_summary


def _define(parser: argparse.ArgumentParser) -> None:
  add_model(parser, text='the model; a .keras file with --samples is quantized first')
  parser.add_argument(
    '-o',
    '--output',
    metavar='FILE',
    help='file to write (default: model_patch.tflite beside model.tflite)',
  )
  convert_flags.define(parser)
  quantize_flags.define(parser)
  parser.add_argument(
    '--quantized', metavar='FILE', help='with a .keras file: writes the int8 model as well'
  )
  add_json(parser)


def _run(arguments: argparse.Namespace) -> int:
  options = convert_flags.options(arguments)
  is_keras = pathlib.Path(arguments.model).suffix == '.keras'
  if not is_keras and (arguments.samples or arguments.quantized):
    raise UsageError(f'{arguments.model}: --samples and --quantized are for .keras files')
  default = api.default_output(arguments.model)
  output = arguments.output or str(default.with_suffix('.tflite') if is_keras else default)
  with Progress(not arguments.json) as progress:
    if is_keras:
      result = _convert_keras(arguments, output, options, progress)
    else:
      result = api.convert(arguments.model, output, options, progress)
  if arguments.json:
    say_json({**result.to_json(), 'output': output}, output)
  else:
    say(conversion_summary(result, output), output)
  return 0


def _convert_keras(
  arguments: argparse.Namespace, output: str, options: api.ConvertOptions, progress: Progress
) -> api.ConversionResult:
  """Quantizes and converts in one go."""
  written = [output, *([arguments.quantized] if arguments.quantized else [])]
  check_outputs([arguments.model], written)
  quantized = quantize_flags.run(arguments, arguments.model, progress)
  result = api.convert_model(quantized.data, options, arguments.model, progress)
  if arguments.quantized:
    write_atomically(arguments.quantized, quantized.data)
  write_atomically(output, result.data)
  return result


COMMAND = Command(
  name='convert',
  summary='rewrites a model into row-streamed stages that need a fraction of the arena',
  usage='model.tflite [-o out.tflite] [--int8-io] [--input-rows N] [--arena SIZE] ...',
  examples=(
    'tflm-patch convert model.tflite',
    'tflm-patch convert model.tflite -o small.tflite --int8-io',
    'tflm-patch convert model.tflite --input-rows 2',
    'tflm-patch convert model.tflite --hop 2',
    'tflm-patch convert model.tflite --arena 64KB',
    'tflm-patch convert model.tflite --fast 64KB',
    'tflm-patch convert model.keras --samples samples.npz',
    'tflm-patch convert model.tflite --plugins=-fold_pad --json',
  ),
  define=_define,
  run=_run,
)
