# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Chips: how much memory a model may take there, and which kernels it gets.

Each chip is a JSON file in this folder; users write files of the same form. The
figures are those of the vendors' data sheets, named in each file.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import open_regular

__all__ = ['Target', 'all_targets', 'load', 'parse', 'read']

KERNEL_FAMILIES = ('portable', 'dsp', 'mve')
MAX_FILE_BYTES = 1 << 16
_MAX_NUMBER = 1 << 40


@dataclasses.dataclass(frozen=True)
class Target:
  """A chip.

  Attributes:
    name: As users type it, in lower case.
    cpu: The core that runs the model.
    kernels: Which kernels are made for it: 'portable', 'dsp' for Cortex-M4, M7
      and M33, 'mve' for Cortex-M55 and M85.
    clock_hz: Highest clock of that core.
    sram_bytes: Memory for data that is always there; no caches, no backup memory.
    sram_contiguous_bytes: The most of it in one piece: what an arena can take.
    flash_bytes: On the chip; None where flash is external and its size the board's.
    source: Where the figures come from.
    chip: Full name.
    note: What else matters, '' for nothing.
    fast_bytes: The most memory in one piece that never waits, such as DTCM; None where all
      SRAM is alike.
    slow_bytes: The largest piece beside it, for an arena; None where that is the SRAM.
    slow_cycles: That an access to it is assumed to take; None for a usual number.
  """

  name: str
  cpu: str
  kernels: str
  clock_hz: int
  sram_bytes: int
  sram_contiguous_bytes: int
  flash_bytes: int | None
  source: str
  chip: str = ''
  note: str = ''
  fast_bytes: int | None = None
  slow_bytes: int | None = None
  slow_cycles: int | None = None


def load(name: str | os.PathLike[str]) -> Target:
  """A target by name, or from a user's file.

  Args:
    name: A name in any case, or the path of a `.json` file.

  Raises:
    TflmPatchError: no such target; the file cannot be read or does not describe one.
  """
  text = os.fspath(name)
  if text.lower().endswith('.json') or os.sep in text or '/' in text:
    return read(text)
  known = _built_in()
  wanted = text.strip().lower()
  if wanted in known:
    return known[wanted]
  near = difflib.get_close_matches(wanted, known, n=1)
  hint = f'did you mean "{near[0]}"' if near else f'known are {", ".join(known)}'
  raise TflmPatchError(f'unknown target "{text}"; {hint}; a file of your own ends in .json')


def all_targets() -> list[Target]:
  """The targets that come with the package, by name."""
  return list(_built_in().values())


def read(path: str | os.PathLike[str]) -> Target:
  """A target from a file.

  Raises:
    TflmPatchError: see `load`.
  """
  try:
    with open_regular(path) as file:
      data = file.read(MAX_FILE_BYTES + 1)
  except (OSError, ValueError) as error:
    reason = getattr(error, 'strerror', None) or error
    raise TflmPatchError(f'{path}: cannot be read ({reason})') from error
  if len(data) > MAX_FILE_BYTES:
    raise TflmPatchError(f'{path}: is longer than {MAX_FILE_BYTES} bytes; no target needs that')
  try:
    found = json.loads(data.decode('utf-8'), object_pairs_hook=_distinct)
  except (ValueError, RecursionError) as error:
    reason = ' '.join(str(error).split())
    raise TflmPatchError(f'{path}: is no JSON ({reason}); see docs/targets.md') from error
  try:
    return parse(found)
  except ValueError as error:
    raise TflmPatchError(f'{path}: {error}; see docs/targets.md') from error


def parse(found: Any) -> Target:
  """A target from the contents of a file.

  Raises:
    ValueError: it does not describe one; says which field and why.
  """
  if not isinstance(found, dict):
    raise ValueError('holds no object of fields')
  for key in found:
    if key not in _CHECKS:
      near = difflib.get_close_matches(key, _CHECKS, n=1)
      hint = f'did you mean "{near[0]}"?' if near else f'known are {", ".join(_CHECKS)}'
      raise ValueError(f'unknown field "{key}"; {hint}')
  missing = [key for key in _CHECKS if key not in found and key not in _OPTIONAL]
  if missing:
    raise ValueError(f'has no field "{missing[0]}"')
  for key, value in found.items():
    problem = _CHECKS[key](value)
    if problem:
      raise ValueError(f'field "{key}" {problem}')
  target = Target(**{**found, 'name': found['name'].strip().lower()})
  if target.sram_contiguous_bytes > target.sram_bytes:
    raise ValueError('field "sram_contiguous_bytes" is larger than "sram_bytes"')
  return target


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
  """A JSON object; two fields of one name are an error, not the last of them."""
  found: dict[str, Any] = {}
  for key, value in pairs:
    if key in found:
      raise ValueError(f'field "{key}" stands there twice')
    found[key] = value
  return found


def _text(value: Any) -> str | None:
  if not isinstance(value, str) or not value.strip():
    return 'is no text'
  return None if value.isprintable() else 'holds characters that cannot be printed'


def _note(value: Any) -> str | None:
  return None if value == '' else _text(value)


def _count(value: Any) -> str | None:
  if isinstance(value, bool) or not isinstance(value, int):
    return 'is no whole number'
  return None if 0 < value <= _MAX_NUMBER else f'is {value}, must be from 1 to {_MAX_NUMBER}'


def _count_or_none(value: Any) -> str | None:
  return None if value is None else _count(value)


def _family(value: Any) -> str | None:
  known = ', '.join(KERNEL_FAMILIES)
  return None if value in KERNEL_FAMILIES else f'is none of {known}'


_CHECKS: dict[str, Callable[[Any], str | None]] = {
  'name': _text,
  'cpu': _text,
  'kernels': _family,
  'clock_hz': _count,
  'sram_bytes': _count,
  'sram_contiguous_bytes': _count,
  'flash_bytes': _count_or_none,
  'source': _text,
  'chip': _note,
  'note': _note,
  'fast_bytes': _count_or_none,
  'slow_bytes': _count_or_none,
  'slow_cycles': _count_or_none,
}
_OPTIONAL = ('chip', 'note', 'fast_bytes', 'slow_bytes', 'slow_cycles')


@functools.cache
def _built_in() -> dict[str, Target]:
  folder = pathlib.Path(__file__).parent
  return {path.stem: read(path) for path in sorted(folder.glob('*.json'))}
