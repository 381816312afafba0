# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of commands that learn from data into a folder."""

from __future__ import annotations

import argparse

from tflm_patch.cli import values
from tflm_patch.training.data.series import Windows


def add_data(parser: argparse.ArgumentParser) -> None:
  """--data."""
  parser.add_argument(
    '--data',
    required=True,
    metavar='FOLDER|FILE',
    help='a folder (or uncompressed .tar) with a folder of images for each class, or folders '
    'train and test of these; or series: .npz, .ts',
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


def parse_windows(text: str) -> Windows:
  """'64,1': steps of a window, and of what is forecast.

  Raises:
    ValueError: it is no such pair.
  """
  steps, _, horizon = text.partition(',')
  return Windows(values.parse_count(steps), values.parse_count(horizon or '1'))
