# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch operators."""

from __future__ import annotations

import argparse

from tflm_patch.cli.command import Command, add_json
from tflm_patch.cli.terminal import say, say_json
from tflm_patch.report.coverage import Coverage, coverage, table

SCHEMA_VERSION = 1


def _define(parser: argparse.ArgumentParser) -> None:
  add_json(parser)


def _row(each: Coverage) -> dict[str, object]:
  return {
    'operator': each.operator,
    'tflm': [dtype.name.lower() for dtype in each.tflm],
    'stage': [dtype.name.lower() for dtype in each.stage],
  }


def _run(arguments: argparse.Namespace) -> int:
  if arguments.json:
    rows = [_row(each) for each in coverage()]
    say_json({'schema_version': SCHEMA_VERSION, 'operators': rows})
  else:
    say(table())
  return 0


COMMAND = Command(
  name='operators',
  summary="lists TFLM's operators and types, and whether a stage holds them",
  usage='[--json]',
  examples=('tflm-patch operators', 'tflm-patch operators --json'),
  define=_define,
  run=_run,
)
