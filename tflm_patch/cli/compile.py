# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch compile."""

from __future__ import annotations

import argparse

from tflm_patch.cli import convert_flags
from tflm_patch.cli.command import Command, add_json, add_model
from tflm_patch.cli.terminal import Progress, say, say_json
from tflm_patch.codegen import compiler
from tflm_patch.codegen.compiler import CompileOptions
from tflm_patch.report.tables import compile_summary


def _define(parser: argparse.ArgumentParser) -> None:
  add_model(parser, text='the model, converted or not')
  parser.add_argument(
    '-o',
    '--output',
    metavar='FILE.c',
    help='C file to write, its header beside it (default: model.c beside model.tflite)',
  )
  parser.add_argument(
    '--name', help="what the names of the functions begin with (default: the C file's name)"
  )
  parser.add_argument('--section', help='the linker section of the workspace, as in .noinit')
  parser.add_argument(
    '--fast-section',
    metavar='NAME',
    default=compiler.FAST_SECTION,
    help='that of the fast memory, with --fast (default: %(default)s)',
  )
  parser.add_argument(
    '--standalone',
    action='store_true',
    help='write the sources of the needed kernels beside the model, so that gcc *.c works',
  )
  convert_flags.define(parser)
  add_json(parser)


def _run(arguments: argparse.Namespace) -> int:
  options = CompileOptions(
    arguments.name,
    arguments.section,
    arguments.fast_section,
    arguments.standalone,
    convert_flags.options(arguments),
  )
  output = arguments.output or str(compiler.default_output(arguments.model))
  with Progress(not arguments.json) as progress:
    compiled = compiler.compile_file(arguments.model, output, options, progress)
  if arguments.json:
    say_json({**compiled.to_json(), 'output': output})
  else:
    say(compile_summary(compiled, output))
  return 0


COMMAND = Command(
  name='compile',
  summary='writes a model as C that calls the kernels directly, without TFLM',
  usage=(
    'model.tflite [-o model.c] [--name NAME] [--section NAME] [--standalone] [--int8-io] '
    '[--arena SIZE] ...'
  ),
  examples=(
    'tflm-patch compile model.tflite -o model.c',
    'tflm-patch compile model.tflite -o build/vww.c --name vww --standalone',
    'tflm-patch compile model.tflite -o model.c --input-rows 1 --section .noinit',
  ),
  define=_define,
  run=_run,
)
