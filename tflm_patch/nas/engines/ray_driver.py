# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The process that speaks to Ray: tasks as JSON lines on stdin, answers as JSON lines on stdout.

When a head dies, Ray ends the process that drives it; so that is a process of its own, and the
search, which starts it again, is not harmed. It keeps nothing.

Run as `python -m tflm_patch.nas.engines.ray_driver ADDRESS FOLDER`; files that come back lie in
the folder. A task that a dead worker had is answered with `crashed`: it can be sent again.
"""

from __future__ import annotations

import json
import os
import pathlib
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

LOST, REFUSED = 3, 4  # exit codes: the cluster went away, there is none
_SILENCE = 30.0  # seconds without an answer of the head after which it counts as dead
_PULSE = 1.0

Fields = Mapping[str, Any]


class _Pulse:
  """When the head of the cluster last said that it is there."""

  def __init__(self, ask: Callable[[], object]) -> None:
    self.at = time.monotonic()
    self._ask = ask
    threading.Thread(target=self._beat, daemon=True).start()

  def _beat(self) -> None:
    while True:
      start = time.monotonic()
      try:
        self._ask()
      except Exception:  # of any kind: what matters is that it does not answer
        os._exit(LOST)
      self.at = start
      time.sleep(_PULSE)

  def check(self) -> None:
    """Ends the process when the head is silent."""
    if time.monotonic() - self.at > _SILENCE:
      os._exit(LOST)


class Driver:
  """Sends tasks to a cluster.

  Args:
    ray: The module, connected.
    folder: Of files that come back.
    answers: What answers are written to.
  """

  def __init__(self, ray: Any, folder: pathlib.Path, answers: BinaryIO) -> None:
    from tflm_patch.nas.engines.tasks import perform

    self._ray, self._folder, self._answers = ray, folder, answers
    # A worker that dies is reported, not retried here: the search counts how often.
    self._perform = ray.remote(max_retries=0, num_returns=2)(perform)
    self._running: dict[Any, tuple[int, Any]] = {}
    self._data: dict[str, Any] = {}
    self._pulse = _Pulse(ray.nodes)
    self._crashed: list[tuple[float, int, str]] = []

  def run(self, lines: queue.Queue[bytes | None]) -> int:
    """Until there are no more lines."""
    while True:
      try:
        line = lines.get(timeout=0 if self._running else 0.2)
      except queue.Empty:
        line = b''
      if line is None:
        return 0
      if line:
        self._take(json.loads(line))
        continue
      self._collect()
      self._report_crashes()
      self._pulse.check()

  def _take(self, task: Fields) -> None:
    if 'cancel' in task:
      for reference, (number, _) in list(self._running.items()):
        if number == task['cancel']:
          self._ray.cancel(reference, force=True)
          del self._running[reference]
      return
    files = {name: pathlib.Path(path).read_bytes() for name, path in task['files'].items()}
    remote = self._perform.options(num_cpus=task['cpus'])
    text, made = remote.remote(json.dumps(task['task']), self._shared(task['data']), files)
    self._running[text] = (task['id'], made)

  def _shared(self, path: str) -> Any:
    """Examples in the cluster's memory, once."""
    if path not in self._data:
      self._data[path] = self._ray.put(pathlib.Path(path).read_bytes())
    return self._data[path]

  def _collect(self) -> None:
    if not self._running:
      return
    ready, _ = self._ray.wait(list(self._running), timeout=0.2)
    for reference in ready:
      number, made = self._running.pop(reference)
      errors = self._ray.exceptions
      try:
        text, files = self._ray.get([reference, made])
      except errors.RayTaskError as error:
        reason = str(error).strip().splitlines()[-1]
        self._answer({'id': number, 'answer': {'error': f'a worker failed: {reason}'}})
      except errors.LocalRayletDiedError:
        os._exit(LOST)
      except errors.RayError as error:
        self._crashed.append((time.monotonic(), number, type(error).__name__))
      else:
        self._answer({'id': number, 'answer': json.loads(text), 'files': self._kept(number, files)})

  def _kept(self, number: int, files: Mapping[str, bytes]) -> dict[str, str]:
    found = {}
    for name, content in files.items():
      path = self._folder / f'{number}_{os.path.basename(name)}'
      path.write_bytes(content)
      found[name] = str(path)
    return found

  def _report_crashes(self) -> None:
    """Once the cluster is known to live: else it is not the worker that died."""
    while self._crashed and self._pulse.at > self._crashed[0][0]:
      _, number, reason = self._crashed.pop(0)
      self._answer({'id': number, 'crashed': reason})

  def _answer(self, fields: Fields) -> None:
    self._answers.write(json.dumps(fields).encode() + b'\n')
    self._answers.flush()


def _read(lines: queue.Queue[bytes | None]) -> None:
  for line in sys.stdin.buffer:
    lines.put(line)
  lines.put(None)


def main() -> int:
  """See the module."""
  address, folder = sys.argv[1:]
  # What Ray prints must not come between the answers.
  answers = os.fdopen(os.dup(1), 'wb')
  os.dup2(2, 1)
  import ray

  try:
    ray.init(address=address, log_to_driver=False, logging_level='ERROR')
  except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
    causes = [error, *filter(None, (error.__cause__, error.__context__))]
    print(' '.join(' '.join(map(str, causes)).split()), file=sys.stderr)
    return REFUSED
  answers.write(b'{"ready": true}\n')
  answers.flush()
  lines: queue.Queue[bytes | None] = queue.Queue()
  threading.Thread(target=_read, args=(lines,), daemon=True).start()
  code = Driver(ray, pathlib.Path(folder), answers).run(lines)
  ray.shutdown()
  return code


if __name__ == '__main__':
  sys.exit(main())
