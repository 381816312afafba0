# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The kernel sources that a compiled model needs, in one folder.

Folders become parts of the names ('src/portable/conv.c' is 'tflm_patch_portable_conv.c'),
so that no include path is needed. A file needs the headers that it includes;
`kernel_library.sources` says which C files the kernels need, for every kernel family.
"""

from __future__ import annotations

import functools
import pathlib
import re
from collections.abc import Iterable

from tflm_patch.kernel_library import sources as kernel_sources
from tflm_patch.runtime import paths

_INCLUDE = re.compile(r'^#include "([^"]+)"$', re.MULTILINE)


def flat_name(path: str) -> str:
  """The name of a source in the one folder; `path` is relative to the sources or includes."""
  parts = pathlib.PurePosixPath(path).parts
  return '_'.join(('tflm_patch', *parts[parts[0] == 'tflm_patch' :]))


def sources(names: Iterable[str], left_out: Iterable[str] = ()) -> dict[str, str]:
  """Texts by file name.

  Args:
    names: Functions that must be there.
    left_out: Macros of what they never run, see `needed.left_out`.

  Raises:
    EnvironmentMissing: the sources are not installed.
  """
  files = _files()
  needed: set[str] = set()
  waiting = ['include/tflm_patch/kernels.h']
  waiting += (f'src/{file}' for file in kernel_sources.sources_of(names))
  while waiting:
    path = waiting.pop()
    if path not in needed:
      needed.add(path)
      waiting += (_resolve(path, include, files) for include in _INCLUDE.findall(files[path]))
  texts = {_flat(path): _with_flat_includes(path, files) for path in sorted(needed)}
  family = _flat(f'src/{kernel_sources.FAMILY}')
  if family in texts:
    defines = ''.join(f'#define {macro}\n' for macro in left_out)
    texts[family] = kernel_sources.without_table_file(texts[family], defines)
  return texts


def _with_flat_includes(path: str, files: dict[str, str]) -> str:
  def flat(match: re.Match[str]) -> str:
    return f'#include "{_flat(_resolve(path, match[1], files))}"'

  return _INCLUDE.sub(flat, files[path])


@functools.cache
def _files() -> dict[str, str]:
  """Texts by path below the kernels' folder, 'src/...' and 'include/...'."""
  root = paths.kernels_dir()
  found = [
    path
    for folder in ('src', 'include')
    for path in sorted((root / folder).rglob('*'))
    if path.suffix in ('.c', '.h')
  ]
  return {path.relative_to(root).as_posix(): path.read_text() for path in found}


def _resolve(path: str, include: str, files: dict[str, str]) -> str:
  """The file that an #include in a file names."""
  folder = pathlib.PurePosixPath(path).parent
  for base in (folder, pathlib.PurePosixPath('src'), pathlib.PurePosixPath('include')):
    parts: list[str] = []
    for part in (base / include).parts:
      if part == '..':
        parts.pop()
      else:
        parts.append(part)
    if '/'.join(parts) in files:
      return '/'.join(parts)
  raise KeyError(f'{path} includes {include}')


def _flat(path: str) -> str:
  """src/conv.c and include/tflm_patch/kernels.h must not get names of others."""
  top, _, rest = path.partition('/')
  if top == 'include':
    return flat_name(rest)
  return flat_name(f'src/{rest}') if path.endswith('.h') else flat_name(rest)
