# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What C code prints to stderr, as text."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator

_STDERR = 2
_LOCK = threading.RLock()  # the file descriptor belongs to the whole process
# Empty temporary files, by descriptor: a model's every step is captured, and a file for each
# would cost more than the step.
_spare: list[int] = []
if hasattr(os, 'register_at_fork'):  # a child would share the place where its parent writes
  os.register_at_fork(after_in_child=_spare.clear)


class Captured:
  """The text; filled in when the capture ends."""

  text: str = ''

  def line(self, otherwise: str) -> str:
    """The text on one line, `otherwise` when there is none."""
    lines = [line.strip() for line in self.text.splitlines() if line.strip()]
    return '; '.join(dict.fromkeys(lines)) or otherwise


@contextlib.contextmanager
def stderr() -> Iterator[Captured]:
  """Captures what is written to file descriptor 2 inside the context.

  A process without a stderr gets one for as long as the context lasts.
  """
  captured = Captured()
  with _LOCK:
    if sys.stderr is not None:
      with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    file = _spare.pop() if _spare else _temporary()
    try:
      saved = os.dup(_STDERR)
    except OSError:
      saved = None
    os.dup2(file, _STDERR)
    try:
      yield captured
    finally:
      if saved is None:
        os.close(_STDERR)
      else:
        os.dup2(saved, _STDERR)
        os.close(saved)
      captured.text = _taken(file).decode(errors='replace')
      _spare.append(file)


def _temporary() -> int:
  with tempfile.TemporaryFile() as file:
    return os.dup(file.fileno())


def _taken(file: int) -> bytes:
  """What a file holds; afterwards it is empty."""
  size = os.fstat(file).st_size
  if not size:
    return b''
  os.lseek(file, 0, os.SEEK_SET)
  with open(file, 'rb', closefd=False) as reader:
    text = reader.read()
  os.ftruncate(file, 0)
  os.lseek(file, 0, os.SEEK_SET)
  return text
