# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Writes a folder of files: all of them or none."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import tempfile

from tflm_patch.errors import TflmPatchError

MANIFEST = 'tflm_patch_export.json'  # names the files of an export


def write_folder(folder: pathlib.Path, files: dict[str, bytes], force: bool) -> None:
  """Puts a new folder in place of an empty or missing one.

  The files are written to a temporary folder beside it, which then takes its
  place; whatever fails, the folder is what it was.

  Args:
    folder: Where to.
    files: Contents by path, with '/' between the parts.
    force: Accept a folder with files in it. Those that its manifest names are
      replaced or removed, the others stay.

  Raises:
    TflmPatchError: it holds something (without force) or cannot be written.
  """
  target = pathlib.Path(os.path.realpath(folder))
  temporary = None
  try:
    if target.exists() and not target.is_dir():
      raise TflmPatchError(f'{folder}: is a file; name a folder with -o')
    old = [] if not target.exists() else sorted(target.iterdir())
    if old and not force:
      raise TflmPatchError(
          f'{folder}: is not empty; name another folder, or add --force to replace the files '
          'of an earlier export'
      )
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = pathlib.Path(tempfile.mkdtemp(prefix=f'.{target.name}.', dir=target.parent))
    fresh = temporary / 'new'
    if old:
      shutil.copytree(target, fresh, symlinks=True)
      _remove(fresh, _listed(fresh))
    for name, data in files.items():
      path = fresh / name
      path.parent.mkdir(parents=True, exist_ok=True)
      path.write_bytes(data)
    if old:
      target.rename(temporary / 'old')
    try:
      fresh.rename(target)
    except OSError:
      if old:
        (temporary / 'old').rename(target)
      raise
  except OSError as error:
    reason = error.strerror or str(error)
    raise TflmPatchError(
        f'{folder}: cannot be written: {reason[:1].lower()}{reason[1:]}; choose another output'
    ) from error
  finally:
    if temporary is not None:
      shutil.rmtree(temporary, ignore_errors=True)


def _listed(folder: pathlib.Path) -> list[pathlib.PurePosixPath]:
  """The files that the manifest of an earlier export names, if there is one."""
  try:
    found = json.loads((folder / MANIFEST).read_text(encoding='utf-8'))
    names = [pathlib.PurePosixPath(name) for name in found['files']]
  except (OSError, ValueError, KeyError, TypeError, RecursionError):
    return []
  return [name for name in names if not name.is_absolute() and '..' not in name.parts]


def _remove(folder: pathlib.Path, names: list[pathlib.PurePosixPath]) -> None:
  """Removes files, and the folders that are empty then."""
  for name in names:
    path = folder / name
    if path.is_file() and not path.parent.is_symlink():
      path.unlink()
      parent = path.parent
      while parent != folder and not any(parent.iterdir()):
        parent.rmdir()
        parent = parent.parent
