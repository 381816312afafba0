# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A Ray cluster that may die and come back: tasks that were not answered are sent again."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any

from tflm_patch.errors import TflmPatchError

_CRASHES = 4  # of the workers of one task, before it is given up
_DEATHS = 5  # of the process that speaks to Ray, without an answer between them
_AGAIN = 2.0  # seconds between attempts to connect
_STDERR = 'stderr.txt'
_DRIVER = 'tflm_patch.nas.engines.ray_driver'  # not imported: it is run

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Task:
  """Work for a worker.

  Attributes:
    fields: JSON, for `tasks.perform`.
    data: A file with examples.
    files: What else it reads, by name.
    cpus: That it uses.
  """

  fields: Mapping[str, Any]
  data: pathlib.Path
  files: Mapping[str, pathlib.Path]
  cpus: int


@dataclasses.dataclass(frozen=True)
class Answer:
  """What a worker found.

  Attributes:
    fields: JSON of `tasks.perform`.
    files: What it made, by name; removed when the cluster is closed.
  """

  fields: Mapping[str, Any]
  files: Mapping[str, pathlib.Path]


class Cluster:
  """See the module.

  Args:
    address: Of the head, HOST:PORT; None for RAY_ADDRESS, or the cluster on this machine.
    patience: Seconds that a cluster that went away is waited for.
    progress: Called with a line of text as the work proceeds.

  Attributes:
    folder: Of files for tasks; removed when the cluster is closed.
  """

  def __init__(self, address: str | None, patience: float, progress: Progress) -> None:
    self._address = address or os.environ.get('RAY_ADDRESS') or 'auto'
    self._patience, self._progress = patience, progress
    self._scratch = tempfile.TemporaryDirectory(prefix='tflm_patch_ray.')
    self.folder = pathlib.Path(self._scratch.name)
    self._process: subprocess.Popen[bytes] | None = None
    self._pending: dict[int, Task] = {}
    self._crashes: dict[int, int] = {}
    self._next, self._deaths = 0, 0

  def submit(self, task: Task) -> int:
    """Sends a task; gives its number.

    Raises:
      TflmPatchError: there is no cluster.
    """
    if self._process is None:
      self._connect()
    self._next += 1
    self._pending[self._next] = task
    self._send(self._next)
    return self._next

  def answer(self) -> tuple[int, Answer]:
    """The number and the answer of a task that is done, whichever is first.

    Raises:
      TflmPatchError: a task failed, or the cluster did not come back.
    """
    while True:
      assert self._process is not None and self._process.stdout is not None
      line = self._process.stdout.readline()
      if not line.endswith(b'\n'):
        self._reconnect()
        continue
      found = json.loads(line)
      number, self._deaths = found['id'], 0
      if number not in self._pending:
        continue  # given up
      if 'crashed' in found:
        self._crashed(number, found['crashed'])
        continue
      del self._pending[number]
      if 'error' in found['answer']:
        raise TflmPatchError(found['answer']['error'])
      files = {name: pathlib.Path(path) for name, path in found['files'].items()}
      return number, Answer(found['answer'], files)

  def cancel(self, number: int) -> None:
    """Gives a task up; nothing where it is done."""
    if self._pending.pop(number, None) is not None and self._process is not None:
      self._write({'cancel': number})

  def close(self) -> None:
    """Gives everything up."""
    self._end()
    self._scratch.cleanup()

  def _crashed(self, number: int, reason: str) -> None:
    self._crashes[number] = self._crashes.get(number, 0) + 1
    if self._crashes[number] >= _CRASHES:
      spec = self._pending[number].fields.get('spec')
      raise TflmPatchError(
        f'{_CRASHES} workers of the Ray cluster died ({reason}) at {spec}; look for memory that '
        'is too small in its logs, then go on with --resume'
      )
    self._progress(f'A worker died ({reason}); its task is done again')
    self._send(number)

  def _send(self, number: int) -> None:
    task = self._pending[number]
    self._write(
      {
        'id': number,
        'task': dict(task.fields),
        'data': str(task.data),
        'files': {name: str(path) for name, path in task.files.items()},
        'cpus': task.cpus,
      }
    )

  def _write(self, fields: Mapping[str, Any]) -> None:
    """A line; what a dead driver does not take is sent to the next."""
    assert self._process is not None and self._process.stdin is not None
    try:
      self._process.stdin.write(json.dumps(fields).encode() + b'\n')
      self._process.stdin.flush()
    except BrokenPipeError:
      pass

  def _reconnect(self) -> None:
    """Waits for a cluster that went away, and sends again what it had not answered."""
    self._deaths += 1
    if self._deaths > _DEATHS:
      reason = ' '.join((self.folder / _STDERR).read_text(errors='replace').split())[-200:]
      raise TflmPatchError(
        f'the Ray cluster went away {_DEATHS} times before it answered anything ({reason}); look '
        'at its logs, then go on with --resume'
      )
    until = time.monotonic() + self._patience
    self._progress(f'The Ray cluster went away; {len(self._pending)} tasks wait for it')
    while True:
      try:
        self._connect()
        break
      except TflmPatchError:
        if time.monotonic() > until:
          raise
        time.sleep(_AGAIN)
    self._progress(f'The Ray cluster is back; {len(self._pending)} tasks are sent again')
    for number in self._pending:
      self._send(number)

  def _connect(self) -> None:
    self._end()
    with open(self.folder / _STDERR, 'wb') as stderr:
      self._process = subprocess.Popen(
        [sys.executable, '-m', _DRIVER, self._address, str(self.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
      )
    assert self._process.stdout is not None
    if self._process.stdout.readline().endswith(b'\n'):
      return
    self._end()
    raise TflmPatchError(self._refusal((self.folder / _STDERR).read_text(errors='replace')))

  def _refusal(self, text: str) -> str:
    where = 'on this machine' if self._address == 'auto' else f'at {self._address}'
    if 'uthenticat' in text:
      return (
        f'the Ray cluster {where} wants its token: set RAY_AUTH_MODE=token and '
        'RAY_AUTH_TOKEN_PATH=FILE, see docs/cluster.md'
      )
    return (
      f'there is no Ray cluster {where} that can be reached; start one with "ray start --head" '
      'and name it with --ray-address, see docs/cluster.md; what was done is kept: go on with '
      '--resume'
    )

  def _end(self) -> None:
    process, self._process = self._process, None
    if process is None:
      return
    process.kill()
    for pipe in (process.stdin, process.stdout):
      if pipe is not None:
        with contextlib.suppress(BrokenPipeError):
          pipe.close()
    process.wait()
