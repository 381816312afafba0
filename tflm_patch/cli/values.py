# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Values that flags take: sizes in bytes, overheads, grids.

A K is 1024 bytes, with or without the i: data sheets of microcontrollers mean
1024 when they write KB.
"""

from __future__ import annotations

import fractions
import math
import re
from collections.abc import Callable
from typing import Any

from absl import flags

MAX_BYTES = (1 << 31) - 1  # what TFLM's arena offsets can express
MAX_GRID = 0xFFFF

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


class _Parser(flags.ArgumentParser):
  """Lets a function parse a flag."""

  def __init__(self, function: Callable[[str], Any], kind: str) -> None:
    super().__init__()
    self._function = function
    self._kind = kind

  def parse(self, argument: Any) -> Any:
    return self._function(argument) if isinstance(argument, str) else argument

  def flag_type(self) -> str:
    return self._kind


_PARSERS = {
    'size': _Parser(parse_size, 'size'),
    'overhead': _Parser(parse_overhead, 'overhead'),
    'grid': _Parser(parse_grid, 'grid'),
}


def define(
    kind: str, name: str, default: str | None, text: str, values: flags.FlagValues
) -> None:
  """Defines a flag of a kind: 'size', 'overhead' or 'grid'.

  Args:
    kind: Which of the parsers of this module reads it.
    name: The flag.
    default: As the user would type it, None for none.
    text: Its help.
    values: Where to define it.
  """
  flags.DEFINE(_PARSERS[kind], name, default, text, flag_values=values)
