# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch fit."""

from __future__ import annotations

import argparse

from tflm_patch import targets
from tflm_patch.api import ConvertOptions
from tflm_patch.cli import convert_flags, values
from tflm_patch.cli.command import Command, add_json
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.conversion import fit
from tflm_patch.report.fit_table import fit_summary, fits_table


def _define(parser: argparse.ArgumentParser) -> None:
  parser.add_argument(
    'model', metavar='model.tflite|SPEC', help='a model, or an architecture as text (docs/specs.md)'
  )
  parser.add_argument(
    '--target',
    metavar='CHIP',
    help='a chip by name (see tflm-patch targets) or a file of your own; all known ones without it',
  )
  parser.add_argument(
    '--reserve',
    type=values.argument(values.parse_size),
    metavar='SIZE',
    help="SRAM of the arena's piece that the rest of the firmware needs, like 16KB",
  )
  convert_flags.add_fast(parser)
  parser.add_argument(
    '--int8-io',
    action='store_true',
    help='with QUANTIZE and DEQUANTIZE folded into int8 inputs and outputs',
  )
  parser.add_argument(
    '--no-options',
    dest='options',
    action='store_false',
    help='only say where it does not fit, without a search for an option that makes it fit',
  )
  add_json(parser)


def _run(arguments: argparse.Namespace) -> int:
  target = arguments.target
  chips = targets.all_targets() if target is None else [targets.load(target)]
  options = fit.FitOptions(
    convert=ConvertOptions(int8_io=arguments.int8_io),
    fast_bytes=arguments.fast,
    reserve_bytes=arguments.reserve or 0,
    try_options=arguments.options,
  )
  with Progress(not arguments.json) as progress:
    found = fit.fit_table(arguments.model, chips, options, progress)
  if arguments.json:
    rows = [each.to_json() for each in found]
    say_json({'schema_version': fit.SCHEMA_VERSION, 'fits': rows})
  elif target is None:
    say(fits_table(found))
  else:
    say(fit_summary(found[0]))
  return 0


COMMAND = Command(
  name='fit',
  summary='says whether a model or an architecture fits a chip, and what would make it fit',
  usage='model.tflite|SPEC [--target CHIP] [--reserve SIZE] [--fast SIZE] [--int8-io] [--json]',
  examples=(
    'tflm-patch fit model.tflite',
    'tflm-patch fit model.tflite --target stm32f412',
    'tflm-patch fit mobilenet_v2:0.35:144 --target rp2040',
    "tflm-patch fit 'in96x96x3 conv3_s2_c16 ir_k3_e4_s2_c24 x2 fc10' --json",
  ),
  define=_define,
  run=_run,
)
