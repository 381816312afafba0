# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Work that a benchmark does once in all its runs, and the wall and CPU time of all of them.

Budgets are CPU time, so that a busy machine does the same work, only later.
"""

from __future__ import annotations

import json
import os
import pathlib
import platform
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import provenance

from tflm_patch.graph.files import write_atomically

RESULTS = pathlib.Path(__file__).resolve().parent / 'results'
_SAVED_SECONDS = 10.0  # no more of the times are lost when a run is killed


def cpu_seconds() -> float:
  """Of this process and of those of its children that have ended."""
  used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
  return sum(each.ru_utime + each.ru_stime for each in used)


class LimitReached(Exception):
  """The CPU time of this run is used; the next run goes on."""


class Work:
  """What was done, in a file; wall and CPU time of all runs.

  Args:
    folder: Of the file, and of checkpoints.
    settings: What must not change between runs.
    cpu_minutes: Of this run; None for no limit.
    quiet: No lines of progress.
  """

  def __init__(
    self,
    folder: pathlib.Path,
    settings: dict[str, Any],
    cpu_minutes: float | None = None,
    quiet: bool = False,
  ) -> None:
    self.folder, self._quiet = folder, quiet
    folder.mkdir(parents=True, exist_ok=True)
    self._path = folder / 'done.json'
    self._limit = None if cpu_minutes is None else 60 * cpu_minutes
    self.done: dict[str, Any] = {}
    self._before = (0.0, 0.0)
    if self._path.exists():
      found = json.loads(self._path.read_text())
      if found['settings'] != json.loads(json.dumps(settings)):
        raise SystemExit(
          f'{self._path}: of another run ({found["settings"]}); choose another --out'
        )
      self.done, self._before = found['done'], (found['seconds'], found['cpu_seconds'])
    self._settings = settings
    self._start = time.monotonic(), cpu_seconds()
    self._saved = time.monotonic()

  @property
  def seconds(self) -> tuple[float, float]:
    """Wall and CPU time, of earlier runs too."""
    return (
      self._before[0] + time.monotonic() - self._start[0],
      self._before[1] + cpu_seconds() - self._start[1],
    )

  def once(self, key: str, make: Callable[[], Any]) -> Any:
    """What `make` gives, made once in all runs; JSON."""
    if key not in self.done:
      self.check()
      self.done[key] = make()
      self.save()
    return self.done[key]

  def save(self) -> None:
    """Writes the file."""
    wall, cpu = self.seconds
    found = {'settings': self._settings, 'seconds': wall, 'cpu_seconds': cpu, 'done': self.done}
    write_atomically(self._path, (json.dumps(found) + '\n').encode())
    self._saved = time.monotonic()

  def check(self) -> None:
    """Raises LimitReached when this run's CPU time is used."""
    used = cpu_seconds() - self._start[1]
    if self._limit is not None and used > self._limit:
      self.save()
      raise LimitReached

  def say(self, text: str) -> None:
    """A line of progress, and a check of the limit; times are saved now and then."""
    if not self._quiet:
      print(text, file=sys.stderr, flush=True)
    if time.monotonic() - self._saved > _SAVED_SECONDS:
      self.save()
    self.check()


def reported(script: str, work: Work, figures: dict[str, Any], record: bool | str | None) -> str:
  """The figures as JSON, with the command, the commit and the times that they come from.

  Args:
    script: Name of the benchmark.
    work: Whose times are those of all runs.
    figures: What was measured.
    record: Write them into results/, too, under the name of the script or this one.
  """
  work.save()
  wall, cpu = work.seconds
  words = [pathlib.Path(word).name if word.startswith('/') else word for word in sys.argv[1:]]
  whole = {
    'schema_version': 1,
    'command': ' '.join(['python', f'benchmarks/{script}.py', *words]),
    'commit': provenance.commit(),
    'machine': f'{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}',
    'seconds': round(wall),
    'cpu_seconds': round(cpu),
    **figures,
  }
  text = json.dumps(whole, indent=1)
  if record:
    name = record if isinstance(record, str) else script
    (RESULTS / f'{name}.json').write_text(text + '\n')
  return text
