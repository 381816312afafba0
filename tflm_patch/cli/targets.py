# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch targets."""

from __future__ import annotations

import argparse
import dataclasses

from tflm_patch import targets
from tflm_patch.cli.command import Command, add_json
from tflm_patch.cli.terminal import say, say_json
from tflm_patch.report.tables import targets_summary

SCHEMA_VERSION = 1


def _define(parser: argparse.ArgumentParser) -> None:
  parser.add_argument(
    'target', metavar='name|my_chip.json', nargs='?', help='a single one; all without it'
  )
  add_json(parser)


def _run(arguments: argparse.Namespace) -> int:
  name = arguments.target
  found = targets.all_targets() if name is None else [targets.load(name)]
  if arguments.json:
    rows = [dataclasses.asdict(target) for target in found]
    say_json({'schema_version': SCHEMA_VERSION, 'targets': rows})
  else:
    say(targets_summary(found))
  return 0


COMMAND = Command(
  name='targets',
  summary='lists the chips that are known, or checks a file that describes another one',
  usage='[name|my_chip.json] [--json]',
  examples=('tflm-patch targets', 'tflm-patch targets stm32f746 --json'),
  define=_define,
  run=_run,
)
