# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The command line: finds the command, and turns every error into one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from tflm_patch.cli import analyze, bench, convert, export, fit, pareto, targets, verify
from tflm_patch.cli import compile as compile_command
from tflm_patch.cli.command import Command, UsageError
from tflm_patch.errors import TflmPatchError
from tflm_patch.version import __version__

COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        convert.COMMAND,
        analyze.COMMAND,
        fit.COMMAND,
        pareto.COMMAND,
        verify.COMMAND,
        compile_command.COMMAND,
        bench.COMMAND,
        export.COMMAND,
        targets.COMMAND,
    )
}
FAILED, MISUSED, INTERRUPTED = 1, 2, 130
_DEBUG = 'TFLM_PATCH_DEBUG'


def usage() -> str:
  """The text of `tflm-patch --help`."""
  lines = [
      'tflm-patch: int8 .tflite models in a fraction of TFLM\'s arena, bit-exactly',
      '',
      'usage: tflm-patch COMMAND ...',
      '',
      *(f'  {command.name:<10}{command.summary}' for command in COMMANDS.values()),
      '',
      'tflm-patch COMMAND --help explains a command\'s options; --version prints the version.',
      '',
      'examples:',
      *(f'  {command.examples[0]}' for command in COMMANDS.values()),
  ]
  return '\n'.join(lines)


def main(arguments: Sequence[str]) -> int:
  """Runs a command line (without the program's name); gives the exit code.

  0: done; 1: it failed, one line on stderr says why (or `verify` found a
  difference); 2: the command line is wrong.
  """
  try:
    if not arguments or arguments[0] in ('-h', '--help', 'help'):
      print(usage(), flush=True)
      return 0 if arguments else MISUSED
    if arguments[0] == '--version':
      print(f'tflm-patch {__version__}')
      return 0
    command = COMMANDS.get(arguments[0])
    if command is None:
      raise UsageError(f'unknown command "{arguments[0]}"; known are {", ".join(COMMANDS)}')
    return command.run(arguments[1:])
  except UsageError as error:
    print(f'tflm-patch: error: {error}', file=sys.stderr)
    return MISUSED
  except TflmPatchError as error:
    print(f'tflm-patch: error: {_one_line(error)}', file=sys.stderr)
    return FAILED
  except KeyboardInterrupt:
    print('tflm-patch: interrupted', file=sys.stderr)
    return INTERRUPTED
  except BrokenPipeError:
    # Whoever read our output has enough of it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
  except Exception as error:
    if os.environ.get(_DEBUG):
      raise
    print(
        f'tflm-patch: error: internal error: {type(error).__name__}: {_one_line(error)};'
        f' please report it with the output of {_DEBUG}=1',
        file=sys.stderr,
    )
    return FAILED


def _one_line(error: BaseException) -> str:
  return ' '.join(str(error).split())


def run() -> None:
  """The console script."""
  sys.exit(main(sys.argv[1:]))


if __name__ == '__main__':
  run()
