# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Writes a folder of files: all of them or none."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import stat
import tempfile

from tflm_patch.errors import TflmPatchError

MANIFEST = 'tflm_patch_export.json'  # names the files of an export
_MAX_MANIFEST_BYTES = 1 << 20
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux


def write_folder(folder: pathlib.Path, files: dict[str, bytes], force: bool) -> None:
  """Puts a new folder in place of an empty or missing one.

  The files are written to a temporary folder beside it, which then takes its
  place in one step; whatever fails, the folder is what it was. Nothing outside of
  it is touched: no symbolic link below it is followed.

  Args:
    folder: Where to.
    files: Contents by path, with '/' between the parts.
    force: Accept a folder with files in it. Those that its manifest names are
      replaced or removed, the others stay.

  Raises:
    TflmPatchError: it holds something (without force), has a symbolic link where a
      folder must be, or cannot be written.
  """
  target = pathlib.Path(os.path.realpath(folder))
  temporary = None
  try:
    if target.exists() and not target.is_dir():
      raise TflmPatchError(f'{folder}: is a file; name a folder with -o')
    old = target.exists() and any(target.iterdir())
    if old and not force:
      raise TflmPatchError(
        f'{folder}: is not empty; name another folder, or add --force to replace the files '
        'of an earlier export'
      )
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = pathlib.Path(tempfile.mkdtemp(prefix=f'.{target.name[:200]}.', dir=target.parent))
    fresh = temporary / 'new'
    if old:
      shutil.copytree(target, fresh, symlinks=True, copy_function=_link_or_copy)
      _remove(fresh, _listed(fresh))
    for name, data in files.items():
      link = _first_link(fresh, pathlib.PurePosixPath(name).parent)
      if link is not None:
        raise TflmPatchError(
          f'{folder}/{link}: is a symbolic link, and export writes into no other folder; '
          'remove it, or name another folder with -o'
        )
      _write(fresh / name, data)
    _replace(target, fresh, temporary / 'old')
  except OSError as error:
    reason = error.strerror or 'its files cannot be copied'
    raise TflmPatchError(
      f'{folder}: cannot be written: {reason[:1].lower()}{reason[1:]}; choose another output'
    ) from error
  finally:
    if temporary is not None:
      shutil.rmtree(temporary, ignore_errors=True)


def _link_or_copy(source: str, target: str) -> None:
  """A second name of a file, where the file system has that."""
  try:
    os.link(source, target, follow_symlinks=False)
  except (OSError, NotImplementedError):
    shutil.copy2(source, target, follow_symlinks=False)


def _write(path: pathlib.Path, data: bytes) -> None:
  path.parent.mkdir(parents=True, exist_ok=True)
  # What is there is another name of the old folder's file: it must keep its bytes.
  path.unlink(missing_ok=True)
  path.write_bytes(data)


def _replace(target: pathlib.Path, fresh: pathlib.Path, aside: pathlib.Path) -> None:
  """Puts one folder in another's place, in one step where the system can."""
  if not target.exists():
    fresh.rename(target)
  elif not _exchange(fresh, target):
    target.rename(aside)
    try:
      fresh.rename(target)
    except OSError:
      aside.rename(target)
      raise


def _exchange(a: pathlib.Path, b: pathlib.Path) -> bool:
  """Swaps two folders; False where the system or the file system cannot."""
  with contextlib.suppress(OSError, AttributeError):
    function = ctypes.CDLL(None).renameat2
    names = [os.fsencode(path) for path in (a, b)]
    return bool(function(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)
  return False


def _listed(folder: pathlib.Path) -> list[pathlib.PurePosixPath]:
  """The files that the manifest of an earlier export names, if there is one."""
  path = folder / MANIFEST
  try:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_MANIFEST_BYTES:
      return []
    found = json.loads(path.read_text(encoding='utf-8'))
    names = [pathlib.PurePosixPath(name) for name in found['files']]
  except (OSError, ValueError, KeyError, TypeError, RecursionError):
    return []
  return [name for name in names if not name.is_absolute() and '..' not in name.parts]


def _first_link(folder: pathlib.Path, path: pathlib.PurePosixPath) -> pathlib.PurePosixPath | None:
  """The first part of a path below a folder that is a symbolic link."""
  for part in reversed([path, *path.parents]):
    if part.parts and os.path.islink(folder / part):
      return part
  return None


def _remove(folder: pathlib.Path, names: list[pathlib.PurePosixPath]) -> None:
  """Removes files, and the folders that are empty then; leaves what lies behind links."""
  for name in names:
    path = folder / name
    try:
      if _first_link(folder, name.parent) is not None or not _is_file_or_link(path):
        continue
    except ValueError:  # a name that no file can have
      continue
    path.unlink()
    parent = path.parent
    while parent != folder and not any(parent.iterdir()):
      parent.rmdir()
      parent = parent.parent


def _is_file_or_link(path: pathlib.Path) -> bool:
  try:
    mode = path.lstat().st_mode
  except OSError:
    return False
  return stat.S_ISREG(mode) or stat.S_ISLNK(mode)
