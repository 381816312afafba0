# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Values that options take: sizes in bytes, overheads, grids, counts.

A K is 1024 bytes, with or without the i: data sheets of microcontrollers mean
1024 when they write KB.
"""

from __future__ import annotations

import argparse
import fractions
import math
import re
from collections.abc import Callable
from typing import TypeVar

T = TypeVar('T')

MAX_BYTES = (1 << 31) - 1  # what TFLM's arena offsets can express
MAX_GRID = 0xFFFF

_DIGITS = 18  # more than any count has; Python refuses thousands
_SIZE = re.compile(r'(\d+(?:\.\d+)?|\.\d+) ?(b|kb?|kib|mb?|mib)?', re.IGNORECASE | re.ASCII)
_SHIFTS = {'': 0, 'b': 0, 'k': 10, 'm': 20}
_GRID = re.compile(r'(\d+)[xX](\d+)', re.ASCII)


def parse_size(text: str) -> int:
  """Bytes: '65536', '64KB', '64KiB', '64k', '0.5MB'; parts of a byte are dropped.

  Raises:
    ValueError: it is no size, or not between 1 byte and 2 GB.
  """
  match = _SIZE.fullmatch(text.strip())
  if match is None:
    raise ValueError(f'"{text}" is no size; write bytes, or a number with KB or MB, as in 64KB')
  number, unit = match.groups(default='')
  size = math.floor(fractions.Fraction(number) * (1 << _SHIFTS[unit[:1].lower()]))
  if not 1 <= size <= MAX_BYTES:
    raise ValueError(f'"{text}" is {size} bytes; a size is from 1 to {MAX_BYTES} bytes')
  return size


def parse_overhead(text: str) -> float:
  """A factor on the work of a model: '1.10' allows ten per cent more MACs.

  Raises:
    ValueError: it is no finite number of at least 1.
  """
  try:
    factor = float(text)
  except ValueError:
    factor = math.nan
  if not math.isfinite(factor):
    raise ValueError(f'"{text}" is no factor; 1.10 allows 10 % more MACs')
  if factor < 1:
    raise ValueError(
      f'{text} would be fewer MACs than the model has; 1.00 allows no more, 1.10 allows 10 % more'
    )
  return factor


def parse_factor(text: str) -> float:
  """How many times something: '3', '2.5x'.

  Raises:
    ValueError: it is no finite number above 0.
  """
  try:
    factor = float(text.strip().lower().removesuffix('x'))
  except ValueError:
    factor = math.nan
  if not (math.isfinite(factor) and factor > 0):
    raise ValueError(f'"{text[:40]}" is no factor above 0; write 3 or 2.5x')
  return factor


def parse_grid(text: str) -> tuple[int, int]:
  """Rows and columns of patches: '3x3', '2x4'.

  Raises:
    ValueError: it is no grid, or one side is not from 1 to 65,535.
  """
  match = _GRID.fullmatch(text.strip())
  if match is None:
    raise ValueError(f'"{text}" is no grid; write rows x columns of patches, as in 3x3')
  rows, cols = int(match[1]), int(match[2])
  if not (1 <= rows <= MAX_GRID and 1 <= cols <= MAX_GRID):
    raise ValueError(f'"{text}" has no patch or too many; each side is from 1 to {MAX_GRID}')
  return rows, cols


def parse_count(text: str) -> int:
  """A whole number of at least 1.

  Raises:
    ValueError: it is none.
  """
  if not text.strip().isdecimal() or not text.isascii() or int(text[:_DIGITS]) < 1:
    raise ValueError(f'"{text[:_DIGITS]}" is no whole number of at least 1')
  return int(text[:_DIGITS])


def parse_names(text: str) -> tuple[str, ...]:
  """Names with commas between them."""
  return tuple(name.strip() for name in text.split(',')) if text else ()


def argument(parse: Callable[[str], T]) -> Callable[[str], T]:
  """A function of this module as the `type` of an argument: its reasons reach the user."""

  def parse_argument(text: str) -> T:
    try:
      return parse(text)
    except ValueError as error:
      raise argparse.ArgumentTypeError(str(error)) from error

  return parse_argument


def parse_number(text: str) -> float:
  """A number of at least 0.

  Raises:
    ValueError: it is none.
  """
  try:
    value = float(text)
  except ValueError:
    value = -1.0
  if not 0 <= value < 1e9:
    raise ValueError(f'"{text[:40]}" is no number of at least 0')
  return value
