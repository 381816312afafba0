# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Files: read whole, written atomically, every failure one line."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile

from tflm_patch.errors import ModelError, TflmPatchError

MAX_MODEL_BYTES = (1 << 31) - 1


def read_limited(path: str | os.PathLike[str], limit: int = MAX_MODEL_BYTES) -> bytes:
  """Reads a regular file of at most `limit` bytes.

  Raises:
    ModelError: the file is missing, no regular file, not readable, empty or too large.
  """
  name = os.fspath(path)
  try:
    with open(name, 'rb', opener=_open_without_waiting) as file:
      status = os.fstat(file.fileno())
      if not stat.S_ISREG(status.st_mode):
        raise ModelError(f'{name}: not a regular file; name a .tflite file')
      if status.st_size > limit:
        raise ModelError(
            f'{name}: {status.st_size} bytes are more than a flatbuffer can hold'
            f' ({limit}); use a smaller model'
        )
      data = file.read(limit + 1)
  except (OSError, ValueError) as error:
    reason = getattr(error, 'strerror', None) or str(error)
    raise ModelError(f'{name}: {_lower(reason)}; name a readable .tflite file') from error
  if not data:
    raise ModelError(f'{name}: the file is empty; name a .tflite file')
  return data


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
  """Writes a file so that it holds either all of `data` or what it held before.

  The bytes go to a temporary file in the same folder, which then takes the
  place of `path`. A file that exists keeps its permissions.

  Raises:
    TflmPatchError: the file cannot be written; nothing is left behind.
  """
  name = os.fspath(path)
  # A link stays a link: what it points to is replaced.
  target = os.path.realpath(name)
  temporary = None
  try:
    if os.path.isdir(target):
      raise IsADirectoryError(0, 'is a directory')
    mode = _mode_of(target)
    handle, temporary = tempfile.mkstemp(
        prefix='.' + os.path.basename(target)[:100] + '.', dir=os.path.dirname(target)
    )
    with os.fdopen(handle, 'wb') as file:
      file.write(data)
      file.flush()
      os.fsync(file.fileno())
    os.chmod(temporary, mode)
    os.replace(temporary, target)
    temporary = None
  except (OSError, ValueError) as error:
    reason = getattr(error, 'strerror', None) or str(error)
    raise TflmPatchError(
        f'{name}: cannot be written: {_lower(reason)}; choose another output'
    ) from error
  finally:
    if temporary is not None:
      with contextlib.suppress(OSError):
        os.unlink(temporary)


def _open_without_waiting(name: str, flags: int) -> int:
  # A named pipe would wait for a writer.
  return os.open(name, flags | getattr(os, 'O_NONBLOCK', 0))


def _mode_of(target: str) -> int:
  try:
    return stat.S_IMODE(os.stat(target).st_mode)
  except FileNotFoundError:
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _lower(reason: str) -> str:
  return reason[:1].lower() + reason[1:]
