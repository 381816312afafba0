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
  with _LOCK, tempfile.TemporaryFile() as file:
    if sys.stderr is not None:
      with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    try:
      saved = os.dup(_STDERR)
    except OSError:
      saved = None
    os.dup2(file.fileno(), _STDERR)
    try:
      yield captured
    finally:
      if saved is None:
        os.close(_STDERR)
      else:
        os.dup2(saved, _STDERR)
        os.close(saved)
      file.seek(0)
      captured.text = file.read().decode(errors='replace')
