# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The state of a search as a file of JSON lines, which a kill at any moment leaves readable.

The first line says which search it is, each other line is a trial. Lines are only added, and
reach the disk before the search goes on; a line that a kill tore is done again. What was read
is checked before it is used: every field, and that each line is the next trial.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from tflm_patch.architecture.spec import SpecError
from tflm_patch.architecture.text import format_spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import open_regular
from tflm_patch.nas.needs import Needs, Schedule
from tflm_patch.nas.space import SearchSpace
from tflm_patch.nas.trial import Trial

SCHEMA_VERSION = 2
MAX_BYTES = 1 << 28
_COUNTS = ('arena', 'arena_required', 'flash', 'macs')
_MAYBE = ('instructions', 'milliseconds', 'millijoules')


class StateFile:
  """Trials of a search on disk.

  Args:
    path: The file; None keeps nothing.
    space: What is searched, to check candidates.
    settings: What must not change when a search is resumed.
  """

  def __init__(
    self, path: pathlib.Path | None, space: SearchSpace, settings: Mapping[str, Any]
  ) -> None:
    self._path, self._space = path, space
    self._settings = json.loads(json.dumps(dict(settings)))
    self._bytes = 0

  def begin(self) -> None:
    """A new file in place of an old one.

    Raises:
      TflmPatchError: it cannot be written.
    """
    if self._path is None:
      return
    with self._refusing(), open(self._path, 'wb'):
      pass
    self._bytes = 0
    self._write({'schema_version': SCHEMA_VERSION, 'settings': self._settings})

  def load(self) -> list[Trial]:
    """The trials that are done; the file is ready for the next.

    Raises:
      TflmPatchError: it is damaged, of another version or of another search; says where and
        what to do. The file is left as it is.
    """
    assert self._path is not None
    lines = self._lines()
    if not lines:
      self.begin()
      return []
    self._check_header(self._object(lines[0], 1))
    trials = [self._trial(line, number) for number, line in enumerate(lines[1:])]
    self._bytes = sum(len(line) + 1 for line in lines)
    return trials

  def add(self, trial: Trial) -> None:
    """Adds a trial.

    Raises:
      TflmPatchError: it cannot be written (a full disk); what was there before still is.
    """
    if self._path is not None:
      needs = trial.needs.to_json()
      fields = {'trial': trial.number, 'picks': list(trial.picks), 'spec': trial.spec}
      took = {'seconds': trial.seconds, 'cpu_seconds': trial.cpu_seconds}
      self._write({**fields, 'score': trial.score, 'needs': needs, **took})

  def _lines(self) -> list[bytes]:
    """All but one that was torn by a kill."""
    assert self._path is not None
    try:
      with open_regular(self._path) as file:
        data = file.read(MAX_BYTES + 1)
    except OSError as error:
      raise TflmPatchError(f'{self._path}: cannot be read: {error.strerror}') from None
    if len(data) > MAX_BYTES:
      raise self._damaged('it is too large')
    return data.split(b'\n')[:-1]

  def _write(self, fields: Mapping[str, Any]) -> None:
    assert self._path is not None
    line = json.dumps(fields).encode() + b'\n'
    with self._refusing(), open(self._path, 'r+b') as file:
      try:
        file.truncate(self._bytes)
        file.seek(self._bytes)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
      except OSError:
        with contextlib.suppress(OSError):
          file.truncate(self._bytes)
        raise
    self._bytes += len(line)

  @contextlib.contextmanager
  def _refusing(self) -> Iterator[None]:
    try:
      yield
    except OSError as error:
      raise TflmPatchError(
        f'{self._path}: cannot be written: {(error.strerror or str(error)).lower()}; what was '
        'done before is kept: make room and go on with --resume'
      ) from None

  def _check_header(self, header: Mapping[str, Any]) -> None:
    version = header.get('schema_version')
    if version != SCHEMA_VERSION:
      raise TflmPatchError(
        f'{self._path}: was written by another version of tflm-patch (schema_version '
        f'{str(version)[:20]}, not {SCHEMA_VERSION}); it is kept: choose another output folder'
      )
    theirs = header.get('settings')
    if not isinstance(theirs, dict):
      raise self._damaged('line 1 has no settings')
    for name in sorted({*self._settings, *theirs}):
      ours, other = self._settings.get(name), theirs.get(name)
      if ours != other:
        raise TflmPatchError(
          f'{self._path}: the search that is to be resumed had {name} {_short(other)}, not '
          f'{_short(ours)}; give it again, or another output folder'
        )

  def _trial(self, line: bytes, number: int) -> Trial:
    fields = self._object(line, number + 2)
    try:
      if fields['trial'] != number:
        raise ValueError(f'is not trial {number}')
      picks = tuple(map(_whole, fields['picks']))
      spec = format_spec(self._space.spec_of(picks))
      if fields['spec'] != spec:
        raise ValueError('another spec than that of its picks')
      score = _finite(fields['score'])
      took = [_finite(fields[name]) for name in ('seconds', 'cpu_seconds')]
      return Trial(number, picks, spec, score, _needs(fields['needs']), *took)
    except (KeyError, TypeError, ValueError, SpecError) as error:
      what = f'no field {error}' if isinstance(error, KeyError) else str(error)
      raise self._damaged(f'line {number + 2}: {what}') from None

  def _object(self, line: bytes, number: int) -> dict[str, Any]:
    try:
      found = json.loads(line)
    except (ValueError, RecursionError):
      found = None
    if not isinstance(found, dict):
      raise self._damaged(f'line {number} is no JSON object')
    return found

  def _damaged(self, why: str) -> TflmPatchError:
    return TflmPatchError(
      f'{self._path}: no state of a search that can be resumed ({why[:120]}); it is kept: remove '
      'it to begin anew, or choose another output folder'
    )


def _short(value: object) -> str:
  text = json.dumps(value)
  return text if len(text) <= 60 else f'{text[:57]}...'


def _whole(value: object) -> int:
  if isinstance(value, bool) or not isinstance(value, int) or value < 0:
    raise ValueError(f'{str(value)[:20]} is no whole number')
  return value


def _finite(value: object) -> float:
  if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
    raise ValueError(f'{str(value)[:20]} is no number')
  return float(value)


def _needs(fields: Mapping[str, Any]) -> Needs:
  bound = fields['bound_by']
  if not isinstance(bound, str):
    raise ValueError('bound_by is no text')
  known: dict[str, Any] = {name: _whole(fields[name]) for name in _COUNTS}
  for name in _MAYBE:
    known[name] = None if fields[name] is None else _finite(fields[name])
  if known['instructions'] is not None:
    known['instructions'] = int(known['instructions'])
  return Needs(Schedule(fields['schedule']), bound_by=bound, **known)
