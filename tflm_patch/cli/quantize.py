# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch quantize."""

from __future__ import annotations

import argparse
import pathlib

from tflm_patch.cli import quantize_flags
from tflm_patch.cli.command import Command, add_json
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.graph.files import check_outputs, write_atomically
from tflm_patch.report.quantization import quantization_json, quantization_summary


def _define(parser: argparse.ArgumentParser) -> None:
  parser.add_argument('model', metavar='model.keras', help='the model, as model.save writes it')
  parser.add_argument(
    '-o',
    '--output',
    metavar='FILE',
    help='file to write (default: model.tflite beside model.keras)',
  )
  quantize_flags.define(parser)
  add_json(parser)


def _run(arguments: argparse.Namespace) -> int:
  output = arguments.output or str(pathlib.Path(arguments.model).with_suffix('.tflite'))
  check_outputs([arguments.model], [output])
  with Progress(not arguments.json) as progress:
    result = quantize_flags.run(arguments, arguments.model, progress)
  write_atomically(output, result.data)
  if arguments.json:
    say_json({**quantization_json(result), 'output': output}, output)
  else:
    say(quantization_summary(result, output), output)
  return 0


COMMAND = Command(
  name='quantize',
  summary='quantizes a Keras model to int8, without TensorFlow',
  usage='model.keras --samples FILE|FOLDER [-o out.tflite] [--ranges R] ...',
  examples=(
    'tflm-patch quantize model.keras --samples samples.npz',
    'tflm-patch quantize model.keras --samples photos --pixel-range -1,1 -o model.tflite',
    'tflm-patch quantize model.keras --samples samples.npz --ranges percentile --json',
  ),
  define=_define,
  run=_run,
)
