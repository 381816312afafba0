# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What every command of the command line is made of."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Sequence

from absl import flags

_QUIET_SECONDS = 1.0


class UsageError(Exception):
  """The command line is wrong; one line says how."""


@dataclasses.dataclass(frozen=True)
class Command:
  """A command.

  Attributes:
    name: As typed.
    summary: One line for the list of commands.
    arguments: What stands behind the name, for its usage line.
    positional: Fewest and most positional arguments.
    examples: Command lines.
    define: Defines the command's flags.
    action: Runs it with parsed flags and positional arguments; gives the exit code.
  """

  name: str
  summary: str
  arguments: str
  positional: tuple[int, int]
  examples: tuple[str, ...]
  define: Callable[[flags.FlagValues], None]
  action: Callable[[flags.FlagValues, list[str]], int]

  def run(self, arguments: Sequence[str]) -> int:
    """Parses and runs; see `main` for the exit codes."""
    values = flags.FlagValues()
    self.define(values)
    if any(argument in ('-h', '--help', '-help') for argument in arguments):
      print(self.help(values))
      return 0
    try:
      positional = values([self.name, *map(_underscored, arguments)])[1:]
    except flags.Error as error:
      text = ' '.join(str(error).split())
      raise UsageError(f'{text}; see tflm-patch {self.name} --help') from error
    fewest, most = self.positional
    if not fewest <= len(positional) <= most:
      raise UsageError(f'usage: tflm-patch {self.name} {self.arguments}')
    return self.action(values, positional)

  def help(self, values: flags.FlagValues) -> str:
    """The text of --help."""
    lines = [
        f'{self.summary}', '', f'usage: tflm-patch {self.name} {self.arguments}', '', 'options:',
    ]  # fmt: skip
    for name in sorted({flag.name for flag in values._flags().values()}):
      flag = values[name]
      short = f'-{flag.short_name}, ' if flag.short_name else ''
      value = '' if flag.boolean else ' VALUE'
      default = f' (default {flag.default})' if flag.default not in (None, False, []) else ''
      lines.append(f'  {short}--{name.replace("_", "-")}{value}')
      lines.append(f'      {flag.help}{default}')
    return '\n'.join([*lines, '', 'examples:', *(f'  {example}' for example in self.examples)])


def _underscored(argument: str) -> str:
  """--int8-io is the flag int8_io."""
  if not argument.startswith('--') or argument == '--':
    return argument
  name, equals, value = argument.partition('=')
  return name[:2] + name[2:].replace('-', '_') + equals + value


class Progress:
  """Lines on stderr for what takes longer than a second, on a terminal only."""

  def __init__(self, wanted: bool = True) -> None:
    self._on = wanted and sys.stderr.isatty()
    self._start = time.monotonic()
    self._shown = False

  def __call__(self, text: str) -> None:
    """Shows what is being done now."""
    if self._on and time.monotonic() - self._start > _QUIET_SECONDS:
      print(f'\r\033[K{text} ...', end='', file=sys.stderr, flush=True)
      self._shown = True

  def done(self) -> None:
    """Removes the line."""
    if self._shown:
      print('\r\033[K', end='', file=sys.stderr, flush=True)
      self._shown = False

