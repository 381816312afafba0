# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch export."""

from __future__ import annotations

import json

from absl import flags

from tflm_patch.cli.command import Command, UsageError
from tflm_patch.export import FORMATS, ExportOptions, ExportResult, export
from tflm_patch.export.exporter import RUNTIMES


def _define(values: flags.FlagValues) -> None:
  flags.DEFINE_string('format', None, f'one of {", ".join(FORMATS)}', flag_values=values)
  flags.DEFINE_string('output', None, 'folder to write', short_name='o', flag_values=values)
  flags.DEFINE_string(
      'name', 'model', 'prefix of files and functions, namespace of the resolver',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_enum(
      'runtime', 'auto', list(RUNTIMES),
      'what runs the model: TFLM\'s interpreter; the stage executor alone (direct), for a model '
      'that is a single stage; auto leaves the choice to builds that have one',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_bool(
      'force', False, 'write into a folder that is not empty, over the files of an earlier export',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_bool('json', False, 'print the summary for machines', flag_values=values)


def _run(values: flags.FlagValues, arguments: list[str]) -> int:
  if values.format is None:
    raise UsageError(f'--format is missing: one of {", ".join(FORMATS)}')
  if values.output is None:
    raise UsageError('-o is missing: the folder to write')
  result = export(
      arguments[0], values.output,
      ExportOptions(values.format, values.name, values.runtime, values.force),
  )  # fmt: skip
  print(json.dumps(result.to_json(), indent=2) if values.json else _summary(result))
  return 0


def _summary(result: ExportResult) -> str:
  found = result.to_json()
  lines = [
      f'{result.folder}: {len(result.files)} files for {FORMATS[result.format].summary}',
      f'  kernels    {", ".join(found["kernels"])}',
      f'  operators  {", ".join(found["operators"])}',
  ]
  if 'tflm' in result.runtimes:
    arena = found['arena']
    how = 'measured' if arena['head_measured'] else 'computed'
    lines.append(
        f'  arena      {arena["bytes"]:,} bytes with 32-bit pointers: head {arena["head"]:,} '
        f'({how}), tail {arena["tail"]:,} (computed), the rest is room'
    )
  if 'direct' in result.runtimes:
    lines.append('  TFLM       not needed: the model is a single stage')
  if found['operators_to_bring']:
    lines.append(f'  to define  the operators {", ".join(found["operators_to_bring"])}')
  return '\n'.join(lines)


COMMAND = Command(
    name='export',
    summary='writes a converted model with its kernels as a component for firmware',
    arguments='model_patch.tflite --format F -o folder [--name N] [--runtime R] [--force] [--json]',
    positional=(1, 1),
    examples=(
        'tflm-patch export model_patch.tflite --format cmake -o firmware/model',
        'tflm-patch export model_patch.tflite --format arduino -o libraries/model --name model',
    ),
    define=_define,
    action=_run,
)
