# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Files below a folder, or in a .tar, which is never unpacked."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from tflm_patch.errors import TflmPatchError

MAX_FILES = 2_000_000
MAX_FILE_BYTES = 64 << 20

Parts = tuple[str, ...]


class Files:
  """Names and contents of files.

  Attributes:
    sizes: Bytes of every file, by the parts of its path.
    folders: The parts of the paths of folders.
  """

  sizes: dict[Parts, int]
  folders: set[Parts]

  def open(self, parts: Parts) -> BinaryIO:
    """One file's contents.

    Raises:
      OSError: it cannot be read.
    """
    raise NotImplementedError

  def signature(self) -> str:
    """Text that differs when the files do."""
    raise NotImplementedError


class Folder(Files):
  """Below a folder; links to folders are not followed."""

  def __init__(self, path: pathlib.Path) -> None:
    self._path = path
    self.sizes, self.folders = {}, set()
    self._times: dict[Parts, int] = {}
    for base, folders, names in os.walk(path):
      parts = pathlib.Path(base).relative_to(path).parts
      folders[:] = sorted(each for each in folders if not each.startswith(('.', '__')))
      self.folders.update((*parts, each) for each in folders)
      for name in names:
        self._add((*parts, name), pathlib.Path(base, name))

  def _add(self, parts: Parts, file: pathlib.Path) -> None:
    try:
      found = file.stat()
    except OSError:
      return  # a link that leads nowhere
    self.sizes[parts] = found.st_size
    self._times[parts] = found.st_mtime_ns
    if len(self.sizes) > MAX_FILES:
      raise TflmPatchError(f'{self._path}: more than {MAX_FILES:,} files; give a smaller folder')

  def open(self, parts: Parts) -> BinaryIO:
    path = self._path.joinpath(*parts)
    if not path.is_file():
      raise OSError(0, 'not a regular file')
    return path.open('rb')

  def signature(self) -> str:
    return repr(sorted((parts, size, self._times[parts]) for parts, size in self.sizes.items()))


class Archive(Files):
  """In a .tar, which must hold files and folders alone, with harmless names."""

  def __init__(self, path: pathlib.Path) -> None:
    self._path = path
    self.sizes, self.folders = {}, set()
    self._places: dict[Parts, int] = {}
    try:
      with tarfile.open(path, 'r:') as archive:
        for member in archive:
          self._add(member)
      self._file = path.open('rb')
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
      text = ' '.join(str(error).split())[:120]
      raise TflmPatchError(
        f'{path}: cannot be read as an uncompressed .tar ({text}); give a folder'
      ) from None

  def _add(self, member: tarfile.TarInfo) -> None:
    parts = tuple(part for part in member.name.split('/') if part not in ('', '.'))
    if member.name.startswith('/') or '..' in parts:
      raise TflmPatchError(f'{self._path}: "{member.name}" leads out of the archive; refused')
    if not (member.isfile() or member.isdir()):
      raise TflmPatchError(
        f'{self._path}: "{member.name}" is neither a file nor a folder (a link?); refused'
      )
    if any(part.startswith(('.', '__')) for part in parts):
      return
    if member.isdir():
      self.folders.add(parts)
      return
    self.sizes[parts] = member.size
    self._places[parts] = member.offset_data
    self.folders.update(parts[:end] for end in range(1, len(parts)))
    if len(self.sizes) > MAX_FILES:
      raise TflmPatchError(f'{self._path}: more than {MAX_FILES:,} files; give a smaller archive')

  def open(self, parts: Parts) -> BinaryIO:
    self._file.seek(self._places[parts])
    return io.BytesIO(self._file.read(self.sizes[parts]))

  def signature(self) -> str:
    found = self._path.stat()
    return repr((found.st_size, found.st_mtime_ns, len(self.sizes)))

  def close(self) -> None:
    self._file.close()


@contextlib.contextmanager
def files_of(path: str | os.PathLike[str]) -> Iterator[Files]:
  """The files of a folder or a .tar.

  Raises:
    TflmPatchError: it is neither, or the archive holds what it should not.
  """
  path = pathlib.Path(path)
  if path.is_dir():
    yield Folder(path)
  elif path.is_file():
    archive = Archive(path)
    with contextlib.closing(archive):
      yield archive
  else:
    raise TflmPatchError(f'{path}: no such file or folder; give a folder or a .tar of images')
