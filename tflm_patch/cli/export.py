# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch export."""

from __future__ import annotations

import argparse

from tflm_patch.cli.command import Command, UsageError, add_json, add_model
from tflm_patch.cli.terminal import say, say_json
from tflm_patch.export import FORMATS, ExportOptions, ExportResult, Runtime, export


def _define(parser: argparse.ArgumentParser) -> None:
  add_model(parser, 'model_patch', 'what convert wrote')
  parser.add_argument('--format', metavar='F', help=f'one of {", ".join(FORMATS)}')
  parser.add_argument('-o', '--output', metavar='FOLDER', help='folder to write')
  parser.add_argument(
    '--name',
    default='model',
    help='prefix of files and functions, namespace of the resolver (default: %(default)s)',
  )
  parser.add_argument(
    '--runtime',
    choices=[runtime.value for runtime in Runtime],
    default='auto',
    help="what runs the model: TFLM's interpreter; the stage executor alone (direct), for a "
    'model that is a single stage; auto leaves the choice to builds that have one '
    '(default: %(default)s)',
  )
  parser.add_argument(
    '--force',
    action='store_true',
    help='write into a folder that is not empty, over the files of an earlier export',
  )
  add_json(parser)


def _run(arguments: argparse.Namespace) -> int:
  if arguments.format is None:
    raise UsageError(f'--format is missing: one of {", ".join(FORMATS)}')
  if arguments.output is None:
    raise UsageError('-o is missing: the folder to write')
  options = ExportOptions(arguments.format, arguments.name, arguments.runtime, arguments.force)
  result = export(arguments.model_patch, arguments.output, options)
  if arguments.json:
    say_json(result.to_json())
  else:
    say(_summary(result))
  return 0


def _summary(result: ExportResult) -> str:
  found = result.to_json()
  lines = [
    f'{result.folder}: {len(result.files)} files for {FORMATS[result.format].summary}',
    f'  kernels    {", ".join(found["kernels"])}',
    f'  operators  {", ".join(found["operators"])}',
  ]
  if Runtime.TFLM in result.runtimes:
    arena = found['arena']
    how = 'measured' if arena['head_measured'] else 'computed'
    lines.append(
      f'  arena      {arena["bytes"]:,} bytes with 32-bit pointers: head {arena["head"]:,} '
      f'({how}), tail {arena["tail"]:,} (computed), the rest is room'
    )
    if arena['fast']:
      lines.append(f'  fast       {arena["fast"]:,} bytes of memory beside it')
    if not arena['exact']:
      lines.append('             at least: the memory of some operators is not known')
  if Runtime.DIRECT in result.runtimes:
    lines.append('  TFLM       not needed: the model is a single stage')
  if found['operators_to_bring']:
    lines.append(f'  to define  the operators {", ".join(found["operators_to_bring"])}')
  return '\n'.join(lines)


COMMAND = Command(
  name='export',
  summary='writes a converted model with its kernels as a component for firmware',
  usage='model_patch.tflite --format F -o folder [--name N] [--runtime R] [--force] [--json]',
  examples=(
    'tflm-patch export model_patch.tflite --format cmake -o firmware/model',
    'tflm-patch export model_patch.tflite --format arduino -o libraries/model --name model',
  ),
  define=_define,
  run=_run,
)
