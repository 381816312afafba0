# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Values of flags as people write them."""

from __future__ import annotations

import re

from tflm_patch.cli.command import UsageError

# As data sheets of microcontrollers mean them.
_UNITS = {'': 1, 'B': 1, 'K': 1 << 10, 'KB': 1 << 10, 'KIB': 1 << 10,
          'M': 1 << 20, 'MB': 1 << 20, 'MIB': 1 << 20}  # fmt: skip
_SIZE = re.compile(r'(\d+(?:\.\d+)?)\s*([A-Za-z]*)')


def parse_size(flag: str, text: str) -> int:
  """Bytes of '65536', '64KB', '64 KiB' or '0.5MB'; K is 1024, M 1024 * 1024.

  Raises:
    UsageError: it is no size, or not above 0.
  """
  match = _SIZE.fullmatch(text.strip())
  unit = None if match is None else _UNITS.get(match[2].upper())
  size = 0 if match is None or unit is None else int(float(match[1]) * unit)
  if size < 1:
    raise UsageError(f'{flag} {text}: is no size; write bytes, or 64KB, 0.5MB')
  return size


def parse_overhead(flag: str, text: str) -> float:
  """A factor of at least 1, like '1.10'.

  Raises:
    UsageError: it is no such factor.
  """
  try:
    factor = float(text)
  except ValueError:
    factor = 0.0
  if not 1.0 <= factor <= 100.0:
    raise UsageError(f'{flag} {text}: is no factor of at least 1; 1.10 allows 10 % more MACs')
  return factor
