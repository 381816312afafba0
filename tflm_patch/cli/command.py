# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What every command of the command line is made of."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from typing import NoReturn

from absl.flags import argparse_flags


class UsageError(Exception):
  """The command line is wrong; one line says how."""


@dataclasses.dataclass(frozen=True)
class Command:
  """A command.

  Attributes:
    name: As typed.
    summary: One line for the list of commands.
    usage: What stands after the name, in short, for its usage line.
    examples: Command lines.
    define: Adds the command's arguments to its parser.
    run: Runs it with parsed arguments; gives the exit code.
  """

  name: str
  summary: str
  usage: str
  examples: tuple[str, ...]
  define: Callable[[argparse.ArgumentParser], None]
  run: Callable[[argparse.Namespace], int]


class Parser(argparse_flags.ArgumentParser):
  """A parser whose errors are one line, raised as `UsageError`.

  The flags of `absl.flags.FLAGS` belong to programs that use the package, not to it: none
  is taken over.
  """

  def __init__(self, prog: str, description: str, examples: Sequence[str], **more: object) -> None:
    super().__init__(
      prog=prog,
      description=description,
      epilog='\n'.join(['examples:', *(f'  {example}' for example in examples)]),
      formatter_class=argparse.RawDescriptionHelpFormatter,
      inherited_absl_flags=None,
      allow_abbrev=False,
      add_help=False,
      **more,
    )

  def error(self, message: str) -> NoReturn:
    """Raises the error that argparse would print."""
    raise UsageError(f'{message}; see {self.prog} --help')


class CommandParser(Parser):
  """The parser of one command."""

  def __init__(self, command: Command, prog: str, **more: object) -> None:
    usage = f'{prog} {command.usage}'
    super().__init__(prog, command.summary, command.examples, usage=usage, **more)
    self.set_defaults(run=command.run)
    command.define(self)
    self.add_argument('-h', '--help', action='help', help='show this text')

  def parse_known_args(  # type: ignore[override]
    self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
  ) -> tuple[argparse.Namespace, list[str]]:
    """As argparse's; an argument that is not known is this command's error."""
    found, unknown = super().parse_known_args(args, namespace)
    if unknown:
      self.error(f'unknown or superfluous: {" ".join(unknown)}')
    return found, unknown


def add_model(parser: argparse.ArgumentParser, name: str = 'model', text: str = '') -> None:
  """Adds a model's file as a positional argument."""
  parser.add_argument(name, metavar=f'{name}.tflite', help=text or 'the model')


def add_json(parser: argparse.ArgumentParser) -> None:
  """Adds --json."""
  parser.add_argument('--json', action='store_true', help='print a summary for machines')
