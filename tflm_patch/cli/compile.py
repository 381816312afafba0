# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch compile."""

from __future__ import annotations

import json

from absl import flags

from tflm_patch.cli import convert_flags
from tflm_patch.cli.command import Command, Progress
from tflm_patch.codegen import compiler
from tflm_patch.codegen.compiler import CompileOptions
from tflm_patch.report.tables import compile_summary


def _define(values: flags.FlagValues) -> None:
  convert_flags.define(values)
  flags.DEFINE_string(
      'output', None,
      'C file to write, its header beside it (default: model.c beside model.tflite)',
      short_name='o', flag_values=values,
  )  # fmt: skip
  flags.DEFINE_string(
      'name', None, 'what the names of the functions begin with (default: the C file\'s name)',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_string(
      'section', None, 'the linker section of the workspace, as in .noinit', flag_values=values
  )
  flags.DEFINE_bool(
      'standalone', False,
      'write the sources of the needed kernels beside the model, so that gcc *.c works',
      flag_values=values,
  )  # fmt: skip


def _run(values: flags.FlagValues, arguments: list[str]) -> int:
  progress = Progress(not values.json)
  output = values.output or str(compiler.default_output(arguments[0]))
  options = CompileOptions(
      values.name, values.section, values.standalone, convert_flags.options(values)
  )
  try:
    compiled = compiler.compile_file(arguments[0], output, options, progress)
  finally:
    progress.done()
  if values.json:
    print(json.dumps({**compiled.to_json(), 'output': output}, indent=2))
  else:
    print(compile_summary(compiled, output))
  return 0


COMMAND = Command(
    name='compile',
    summary='writes a model as C that calls the kernels directly, without TFLM',
    arguments=(
        'model.tflite [-o model.c] [--name NAME] [--section NAME] [--standalone] [--int8-io] '
        '[--input-rows N] [--arena SIZE] [--json]'
    ),
    positional=(1, 1),
    examples=(
        'tflm-patch compile model.tflite -o model.c',
        'tflm-patch compile model.tflite -o build/vww.c --name vww --standalone',
        'tflm-patch compile model.tflite -o model.c --input-rows 1 --section .noinit',
    ),
    define=_define,
    action=_run,
)
