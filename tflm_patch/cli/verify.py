# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch verify."""

from __future__ import annotations

import json

from absl import flags

from tflm_patch.analysis.verification import DEFAULT_INPUTS, verify
from tflm_patch.cli.command import Command, Progress
from tflm_patch.report.tables import verification_summary


def _define(values: flags.FlagValues) -> None:
  flags.DEFINE_string(
      'inputs', str(DEFAULT_INPUTS), 'how many generated inputs, or a .npy file of inputs',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_integer('seed', 0, 'of the random inputs', flag_values=values)
  flags.DEFINE_bool('json', False, 'print the result for machines', flag_values=values)


def _run(values: flags.FlagValues, arguments: list[str]) -> int:
  inputs = int(values.inputs) if values.inputs.isdigit() else values.inputs
  progress = Progress(not values.json)
  try:
    check = verify(arguments[0], arguments[1], inputs, values.seed, progress)
  finally:
    progress.done()
  print(json.dumps(check.to_json(), indent=2) if values.json else verification_summary(check))
  return 0 if check.bit_exact else 1


COMMAND = Command(
    name='verify',
    summary='compares original and converted model in the real TFLM interpreter, byte by byte',
    arguments='original.tflite converted.tflite [--inputs N|file.npy] [--seed N] [--json]',
    positional=(2, 2),
    examples=(
        'tflm-patch verify model.tflite model_patch.tflite',
        'tflm-patch verify model.tflite model_patch.tflite --inputs photos.npy --json',
    ),
    define=_define,
    action=_run,
)
