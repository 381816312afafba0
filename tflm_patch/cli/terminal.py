# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the commands write to the terminal: the only place that does.

Names in models and of files are not trusted: control characters in them, which could
move the cursor or retitle the window, are escaped here at the latest.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, TextIO

from tflm_patch.errors import printable

_QUIET_SECONDS = 1.0


def say(text: str, beside: str | None = None) -> None:
  """Prints lines.

  Args:
    text: May have several lines.
    beside: A file that was written; when that is standard output, the lines go to
      standard error, so that they do not end up in the file.
  """
  stream = sys.stderr if beside is not None and _is_stdout(beside) else sys.stdout
  _write(stream, '\n'.join(printable(line) for line in text.split('\n')) + '\n')


def say_json(value: Any, beside: str | None = None) -> None:
  """Prints a summary for machines."""
  say(json.dumps(value, indent=2), beside)


def complain(text: str) -> None:
  """Prints one line on standard error."""
  _write(sys.stderr, f'tflm-patch: {printable(" ".join(text.split()))}\n')


def _write(stream: TextIO, text: str) -> None:
  # What the terminal's encoding lacks is escaped, too.
  encoding = getattr(stream, 'encoding', None) or 'utf-8'
  stream.write(text.encode(encoding, 'backslashreplace').decode(encoding))
  stream.flush()


def _is_stdout(path: str) -> bool:
  try:
    return os.path.samestat(os.stat(path), os.fstat(sys.stdout.fileno()))
  except (OSError, ValueError):
    return False


class Progress:
  """Lines on stderr for what takes longer than a second, on a terminal only.

  A context manager: the line is removed at the end.
  """

  def __init__(self, wanted: bool = True) -> None:
    self._on = wanted and sys.stderr.isatty()
    self._start = time.monotonic()
    self._shown = False

  def __enter__(self) -> Progress:
    return self

  def __exit__(self, *_: object) -> None:
    if self._shown:
      print('\r\033[K', end='', file=sys.stderr, flush=True)
      self._shown = False

  def __call__(self, text: str) -> None:
    """Shows what is being done now."""
    if self._on and time.monotonic() - self._start > _QUIET_SECONDS:
      print(f'\r\033[K{printable(text)} ...', end='', file=sys.stderr, flush=True)
      self._shown = True
