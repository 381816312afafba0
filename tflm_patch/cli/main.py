# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The command line: finds the command, and turns every error into one line."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from tflm_patch.cli.command import Command, CommandParser, Parser, UsageError
from tflm_patch.cli.terminal import complain
from tflm_patch.errors import TflmPatchError
from tflm_patch.version import __version__

# In the order of --help. Each is a module of this package that has a COMMAND, and is imported
# when it is asked for: all of them together take longer than most conversions.
COMMANDS = (
  'train',
  'search',
  'adapt',
  'quantize',
  'convert',
  'analyze',
  'fit',
  'pareto',
  'verify',
  'compile',
  'bench',
  'export',
  'targets',
  'operators',
)
FAILED, MISUSED, INTERRUPTED = 1, 2, 130
_DEBUG = 'TFLM_PATCH_DEBUG'


def command_named(name: str) -> Command:
  """One of COMMANDS."""
  command: Command = importlib.import_module(f'tflm_patch.cli.{name}').COMMAND
  return command


def parser(names: Sequence[str] = COMMANDS) -> Parser:
  """The parser of the command line with these commands."""
  found = [command_named(name) for name in names]
  result = Parser(
    'tflm-patch',
    "int8 .tflite models in a fraction of TFLM's arena, bit-exactly",
    [command.examples[0] for command in found],
    usage='tflm-patch COMMAND ...',
  )
  commands = result.add_subparsers(
    title='commands', metavar='COMMAND', required=True, parser_class=CommandParser
  )
  for command in found:
    commands.add_parser(
      command.name, help=command.summary, command=command, prog=f'{result.prog} {command.name}'
    )
  result.add_argument(
    '-h', '--help', action='help', help='show this text; after a command, its options'
  )
  result.add_argument(
    '--version', action='version', version=f'tflm-patch {__version__}', help='show the version'
  )
  return result


def main(arguments: Sequence[str]) -> int:
  """Runs a command line (without the program's name); gives the exit code.

  0: done; 1: it failed, one line on stderr says why (or `verify` found a
  difference); 2: the command line is wrong.
  """
  try:
    if not arguments:
      parser().print_help()
      return MISUSED
    given = ['--help'] if list(arguments) == ['help'] else arguments
    parsed = parser(given[:1] if given[0] in COMMANDS else COMMANDS).parse_args(given)
    return int(parsed.run(parsed))
  except SystemExit as done:  # after --help and --version
    return int(done.code or 0)
  except UsageError as error:
    complain(f'error: {error}')
    return MISUSED
  except TflmPatchError as error:
    complain(f'error: {error}')
    return FAILED
  except KeyboardInterrupt:
    complain('interrupted')
    return INTERRUPTED
  except BrokenPipeError:
    # Whoever read our output has enough of it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
  except MemoryError:
    if os.environ.get(_DEBUG):
      raise
    complain('error: not enough memory; use a smaller model, or more memory')
    return FAILED
  except Exception as error:
    if os.environ.get(_DEBUG):
      raise
    complain(
      f'error: internal error: {type(error).__name__}: {error};'
      f' please report it with the output of {_DEBUG}=1'
    )
    return FAILED


def run() -> None:
  """The console script."""
  sys.exit(main(sys.argv[1:]))


if __name__ == '__main__':
  run()
