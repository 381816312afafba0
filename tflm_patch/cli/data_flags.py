# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of commands that learn from data into a folder."""

from __future__ import annotations

import argparse
import pathlib
import shlex
from collections.abc import Callable

from tflm_patch.cli import values
from tflm_patch.cli.command import UsageError
from tflm_patch.training.data.anomalies import AnomalyOptions
from tflm_patch.training.data.series import Windows


def add_data(parser: argparse.ArgumentParser) -> None:
  """--data."""
  parser.add_argument(
    '--data',
    required=True,
    metavar='FOLDER|FILE',
    help='a folder (or uncompressed .tar) with a folder of images for each class, or folders '
    'train and test of these; or images with boxes (docs/detection.md); or series: .npz, .ts',
  )


def add_output(parser: argparse.ArgumentParser, holds: str, default: str) -> None:
  """--output and --forecast.

  Args:
    parser: Of the command.
    holds: What the folder is for.
    default: Its name.
  """
  parser.add_argument(
    '-o',
    '--output',
    metavar='FOLDER',
    help=f'for {holds} (default: {default} in the current folder)',
  )
  parser.add_argument(
    '--forecast',
    type=values.argument(parse_windows),
    metavar='STEPS,HORIZON',
    help='tell the next HORIZON steps of a series from STEPS of it',
  )


def add_anomaly(parser: argparse.ArgumentParser) -> None:
  """--anomaly and --quantile."""
  parser.add_argument(
    '--anomaly',
    nargs='?',
    const=AnomalyOptions(),
    type=values.argument(parse_anomaly),
    metavar='STEPS[,HOP]',
    help='learn what is normal, to tell what is not: an autoencoder of series, or of windows of '
    'STEPS of a long one, each HOP steps (1) after the last',
  )
  parser.add_argument(
    '--quantile',
    type=values.argument(values.parse_number),
    metavar='Q',
    default=AnomalyOptions.quantile,
    help='part of held-out normal examples whose error is at or below the threshold of --anomaly '
    '(default: %(default)s)',
  )


def add_resume(parser: argparse.ArgumentParser, goes_on_with: str, run: str) -> None:
  """--resume and --overwrite.

  Args:
    parser: Of the command.
    goes_on_with: What of the folder.
    run: What a folder may hold already.
  """
  parser.add_argument(
    '--resume',
    action='store_true',
    help=f'go on with the {goes_on_with} in the folder, if there is one',
  )
  parser.add_argument(
    '--overwrite',
    action='store_true',
    help=f'begin anew in a folder that holds a {run}, which is refused otherwise',
  )


def folder_of(arguments: argparse.Namespace, run: str) -> str:
  """The folder that a run fills.

  Args:
    arguments: With data, output, resume and overwrite.
    run: What the folder is called after, where none is given: DATA_RUN.

  Raises:
    UsageError: options exclude each other.
  """
  if arguments.resume and arguments.overwrite:
    raise UsageError('--resume and --overwrite exclude each other')
  return arguments.output or f'{pathlib.Path(arguments.data).resolve().stem}_{run}'


def command_line(
  name: str,
  define: Callable[[argparse.ArgumentParser], None],
  arguments: argparse.Namespace,
  output: str,
) -> str:
  """The command line that does the same again, with what differs from the defaults.

  Args:
    name: Of the command.
    define: Adds its arguments.
    arguments: As parsed.
    output: Its folder.
  """
  words = ['tflm-patch', name]
  defaults = argparse.ArgumentParser()
  define(defaults)
  given = {**vars(arguments), 'output': output}
  for action in defaults._actions:
    value = given.get(action.dest)
    is_said = action.dest in ('resume', 'overwrite', 'json', 'help') or value == action.default
    if is_said or value is None:
      continue
    words.append(action.option_strings[-1])
    if action.nargs != 0 and (word := _word(value)):
      words.append(word)
  return shlex.join(words)


def _word(value: object) -> str:
  if isinstance(value, Windows):
    return f'{value.steps},{value.horizon}'
  if isinstance(value, AnomalyOptions):
    return '' if value.steps is None else f'{value.steps},{value.hop}'
  if isinstance(value, dict):
    return ','.join(f'{name}={number:g}' for name, number in value.items())
  return ','.join(value) if isinstance(value, tuple) else str(value)


def parse_windows(text: str) -> Windows:
  """'64,1': steps of a window, and of what is forecast.

  Raises:
    ValueError: it is no such pair.
  """
  steps, _, horizon = text.partition(',')
  return Windows(values.parse_count(steps), values.parse_count(horizon or '1'))


def parse_anomaly(text: str) -> AnomalyOptions:
  """'64,4': steps of a window, and from one to the next.

  Raises:
    ValueError: it is no such pair.
  """
  steps, _, hop = text.partition(',')
  return AnomalyOptions(values.parse_count(steps), values.parse_count(hop or '1'))
