# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch targets."""

from __future__ import annotations

import dataclasses
import json

from absl import flags

from tflm_patch import targets
from tflm_patch.cli.command import Command
from tflm_patch.report.tables import targets_summary

SCHEMA_VERSION = 1


def _define(values: flags.FlagValues) -> None:
  flags.DEFINE_bool('json', False, 'print the table for machines', flag_values=values)


def _run(values: flags.FlagValues, arguments: list[str]) -> int:
  found = [targets.load(name) for name in arguments] or targets.all_targets()
  if values.json:
    rows = [dataclasses.asdict(target) for target in found]
    print(json.dumps({'schema_version': SCHEMA_VERSION, 'targets': rows}, indent=2))
  else:
    print(targets_summary(found))
  return 0


COMMAND = Command(
    name='targets',
    summary='lists the chips that are known, or checks a file that describes another one',
    arguments='[name|my_chip.json] [--json]',
    positional=(0, 1),
    examples=('tflm-patch targets', 'tflm-patch targets stm32f746 --json'),
    define=_define,
    action=_run,
)
