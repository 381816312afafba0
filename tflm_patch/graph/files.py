# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Files: read whole, written atomically, every failure one line."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from tflm_patch.errors import ModelError, TflmPatchError

MAX_MODEL_BYTES = (1 << 31) - 1

Path = str | os.PathLike[str]


def read_limited(path: Path, limit: int = MAX_MODEL_BYTES) -> bytes:
  """Reads a model's file: a regular one of at most `limit` bytes.

  Raises:
    ModelError: the file is missing, no regular file, not readable, empty or too large.
  """
  name = os.fspath(path)
  try:
    with open_regular(path) as file:
      size = os.fstat(file.fileno()).st_size
      if size > limit:
        raise ModelError(
          f'{name}: {size} bytes are more than a flatbuffer can hold ({limit}); use a smaller model'
        )
      data = file.read(limit + 1)
  except (OSError, ValueError) as error:
    raise ModelError(f'{name}: {_reason(error)}; name a readable .tflite file') from error
  if not data:
    raise ModelError(f'{name}: the file is empty; name a .tflite file')
  return data


@contextlib.contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
  """Opens a file for reading, unless it is a folder, a pipe or a device.

  A pipe would wait for a writer, a device may never end.

  Raises:
    OSError: it cannot be opened, or is no regular file; `strerror` says why.
    ValueError: the name cannot be one of a file.
  """
  with open(path, 'rb', opener=_open_without_waiting) as file:
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
      raise OSError(0, 'not a regular file')
    yield file


def check_outputs(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
  """Checks files that are to be written, before the work begins.

  Args:
    inputs: What is read.
    outputs: What is written.

  Raises:
    TflmPatchError: an output is an input or another output, or it cannot be written.
  """
  taken = [(path, 'the input file') for path in inputs]
  for output in outputs:
    for other, what in taken:
      if _is_same(output, other):
        name = os.fspath(output)
        raise TflmPatchError(f'{name}: is {what}; choose another output')
    with _refusing(output):
      _check_writable(os.fspath(output))
    taken.append((output, 'another output already'))


def write_atomically(path: Path, data: bytes) -> None:
  """Writes a file so that it holds either all of `data` or what it held before.

  The bytes go to a temporary file in the same folder, which then takes the
  place of `path`. A file that exists keeps its permissions. A device or a pipe
  stays one: the bytes are written into it.

  Raises:
    TflmPatchError: the file cannot be written; nothing is left behind.
  """
  name = os.fspath(path)
  with _refusing(path):
    _check_writable(name)
    if os.path.exists(name) and not os.path.isfile(name):
      _write_into(name, data)
    else:
      # A link stays a link: what it points to is replaced.
      _replace(os.path.realpath(name), data)


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
  """Turns the system's errors into one of ours."""
  try:
    yield
  except (OSError, ValueError) as error:
    raise TflmPatchError(
      f'{os.fspath(path)}: cannot be written: {_reason(error)}; choose another output'
    ) from error


def _is_same(first: Path, second: Path) -> bool:
  try:
    return os.path.samefile(first, second)
  except (OSError, ValueError):
    # Not both exist.
    return os.path.realpath(first) == os.path.realpath(second)


def _check_writable(name: str) -> None:
  """Raises an OSError for what can be neither made, nor replaced, nor written into."""
  try:
    mode = os.stat(name).st_mode
  except FileNotFoundError:
    folder, last = os.path.split(os.path.realpath(name))
    if not os.path.isdir(folder) or not last or name.endswith(os.sep):
      raise
    return
  if stat.S_ISDIR(mode):
    raise IsADirectoryError(0, 'is a directory')
  if stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
    raise OSError(0, 'is a socket' if stat.S_ISSOCK(mode) else 'is a block device')


def _write_into(name: str, data: bytes) -> None:
  """Writes into a device or a named pipe, which somebody must read already."""
  try:
    handle = os.open(name, os.O_WRONLY | getattr(os, 'O_NONBLOCK', 0))
  except OSError as error:
    if error.errno == errno.ENXIO:
      raise OSError(0, 'is a pipe that nobody reads') from error
    raise
  os.set_blocking(handle, True)
  with os.fdopen(handle, 'wb') as file:
    file.write(data)


def _replace(target: str, data: bytes) -> None:
  temporary = None
  try:
    mode = _mode_of(target)
    handle, temporary = tempfile.mkstemp(prefix='.tflm_patch.', dir=os.path.dirname(target))
    with os.fdopen(handle, 'wb') as file:
      file.write(data)
      file.flush()
      os.fsync(file.fileno())
    os.chmod(temporary, mode)
    os.replace(temporary, target)
    temporary = None
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


def _reason(error: Exception) -> str:
  reason = getattr(error, 'strerror', None) or str(error)
  return reason[:1].lower() + reason[1:]
