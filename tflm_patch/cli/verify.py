# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch verify."""

from __future__ import annotations

import argparse

from tflm_patch.analysis.verification import DEFAULT_INPUTS, verify
from tflm_patch.cli.command import Command, add_json, add_model
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.report.tables import verification_summary

_DIGITS = 9  # more inputs than anyone waits for


def _define(parser: argparse.ArgumentParser) -> None:
  add_model(parser, 'original', 'the model before its conversion')
  add_model(parser, 'converted', 'what convert wrote')
  parser.add_argument(
    '--inputs',
    metavar='N|FILE',
    default=str(DEFAULT_INPUTS),
    help='how many generated inputs, or a .npy file of inputs (default: %(default)s)',
  )
  parser.add_argument(
    '--seed', type=int, metavar='N', default=0, help='of the random inputs (default: 0)'
  )
  add_json(parser)


def _run(arguments: argparse.Namespace) -> int:
  inputs: str | int = arguments.inputs
  if arguments.inputs.isdecimal() and len(arguments.inputs) <= _DIGITS:
    inputs = int(arguments.inputs)
  with Progress(not arguments.json) as progress:
    check = verify(arguments.original, arguments.converted, inputs, arguments.seed, progress)
  if arguments.json:
    say_json(check.to_json())
  else:
    say(verification_summary(check))
  return 0 if check.bit_exact else 1


COMMAND = Command(
  name='verify',
  summary='compares original and converted model in the real TFLM interpreter, byte by byte',
  usage='original.tflite converted.tflite [--inputs N|file.npy] [--seed N] [--json]',
  examples=(
    'tflm-patch verify model.tflite model_patch.tflite',
    'tflm-patch verify model.tflite model_patch.tflite --inputs photos.npy --json',
  ),
  define=_define,
  run=_run,
)
