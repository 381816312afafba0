# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of commands that train: what a model may take, and how it learns."""

from __future__ import annotations

import argparse

from tflm_patch.cli import values
from tflm_patch.training.options import DEFAULT

Group = argparse._ArgumentGroup

D = '(default: %(default)s)'
count = values.argument(values.parse_count)
size = values.argument(values.parse_size)
number = values.argument(values.parse_number)


def add_memory(group: Group, default: str) -> None:
  """--arena and --flash; what holds where they are not given."""
  for name, meaning in (
    ('arena', 'of arena, the input counted'),
    ('flash', 'of the converted file'),
  ):
    group.add_argument(
      f'--{name}', type=size, metavar='SIZE', help=f'{meaning} (default: {default})'
    )


def add_input_rows(group: Group, effect: str) -> None:
  """--input-rows."""
  group.add_argument('--input-rows', type=count, metavar='N', help=effect)


def add_batch(group: Group, default: int) -> None:
  """--batch-size."""
  group.add_argument('--batch-size', type=count, metavar='N', default=default, help=D)


def add_rate(group: Group) -> None:
  """--learning-rate."""
  group.add_argument(
    '--learning-rate', type=number, metavar='R', help='the highest (default: sgd 0.1, adamw 0.002)'
  )


def add_qat(group: Group) -> None:
  """--qat-epochs."""
  group.add_argument(
    '--qat-epochs',
    type=int,
    metavar='N',
    default=DEFAULT.qat_epochs,
    help=f'of quantization-aware training at the end, beyond the others {D}',
  )


def add_flip(group: Group) -> None:
  """--no-flip."""
  group.add_argument(
    '--no-flip', dest='flip', action='store_false', help='never mirrored left to right'
  )


def add_seed(group: Group, seed: int) -> None:
  """--seed."""
  group.add_argument('--seed', type=int, metavar='N', default=seed, help=D)


def add_threads(group: Group, note: str = '') -> None:
  """--threads."""
  group.add_argument(
    '--threads', type=count, metavar='N', help=f"{note}default: the backend's choice, all cores"
  )
