# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch fit."""

from __future__ import annotations

import json

from absl import flags

from tflm_patch import targets
from tflm_patch.api import ConvertOptions
from tflm_patch.cli.command import Command, Progress
from tflm_patch.cli.values import define as define_value
from tflm_patch.conversion import fit
from tflm_patch.report.fit_table import fit_summary, fits_table


def _define(values: flags.FlagValues) -> None:
  flags.DEFINE_string(
    'target',
    None,
    'a chip by name (see tflm-patch targets) or a file of your own; all known ones without it',
    flag_values=values,
  )
  define_value(
    'size',
    'reserve',
    None,
    "SRAM of the arena's piece that the rest of the firmware needs, like 16KB",
    values,
  )
  flags.DEFINE_bool(
    'int8_io',
    False,
    'with QUANTIZE and DEQUANTIZE folded into int8 inputs and outputs',
    flag_values=values,
  )
  flags.DEFINE_bool(
    'options',
    True,
    'look for an option that makes it fit where it does not (--nooptions: only say so)',
    flag_values=values,
  )
  flags.DEFINE_bool('json', False, 'print a summary for machines', flag_values=values)


def _run(values: flags.FlagValues, arguments: list[str]) -> int:
  chips = targets.all_targets() if values.target is None else [targets.load(values.target)]
  options = fit.FitOptions(
    convert=ConvertOptions(int8_io=values.int8_io),
    reserve_bytes=values.reserve or 0,
    try_options=values.options,
  )
  progress = Progress(not values.json)
  try:
    found = fit.fit_table(arguments[0], chips, options, progress)
  finally:
    progress.done()
  if values.json:
    rows = [each.to_json() for each in found]
    print(json.dumps({'schema_version': fit.SCHEMA_VERSION, 'fits': rows}, indent=2))
  elif values.target is None:
    print(fits_table(found))
  else:
    print(fit_summary(found[0]))
  return 0


COMMAND = Command(
  name='fit',
  summary='says whether a model or an architecture fits a chip, and what would make it fit',
  arguments='model.tflite|SPEC [--target CHIP] [--reserve SIZE] [--int8-io] [--json]',
  positional=(1, 1),
  examples=(
    'tflm-patch fit model.tflite',
    'tflm-patch fit model.tflite --target stm32f412',
    'tflm-patch fit mobilenet_v2:0.35:144 --target rp2040',
    "tflm-patch fit 'in96x96x3 conv3_s2_c16 ir_k3_e4_s2_c24 x2 fc10' --json",
  ),
  define=_define,
  action=_run,
)
