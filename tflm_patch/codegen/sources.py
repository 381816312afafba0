# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which of the kernels' C sources a model needs, and its kernel table.

The sources say it themselves: src/kernel_table.c has an entry for every kind of
operator, and a file is needed when it defines something that a needed file
mentions. Comments do not count. Several files may define the same function, for
different kernel families; all of them are needed then, the compiler picks one.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import re
from collections.abc import Iterable

from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.planner.program import Kind
from tflm_patch.runtime.paths import kernels_dir

TABLE = 'kernel_table.c'
# Where inferences spend their time, with what lies in folders: the kernel families'
# inner loops. Builds optimize these for speed and may optimize the rest for size.
_HOT = frozenset({'binary.c', 'dot.c', 'mul.c', 'sub.c'})
# What the adapter and applications call.
_ROOTS = (
    'tflm_patch_validate', 'tflm_patch_workspace_size', 'tflm_patch_run', 'tflm_patch_resume',
    'tflm_patch_is_fed_by_bands', 'tflm_patch_status_text', 'tflm_patch_find_kernel',
)  # fmt: skip

_COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.DOTALL)
_NAME = re.compile(r'\b(?:tflm_patch|TFLM_PATCH)_\w+')
# Definitions begin at the margin, what is in their bodies does not.
_FUNCTION = re.compile(
    r'^(?!static\b)[A-Za-z_][^\n;{}=]*?\b(tflm_patch_\w+)\s*\([^;{}]*\)\s*\{', re.MULTILINE
)
_OBJECT = re.compile(r'^const\s+tflm_patch_kernel\s+(tflm_patch_\w+)\s*=', re.MULTILINE)
_INLINE = re.compile(
    r'^static inline\b[^;{}]*?(tflm_patch_\w+)\s*\([^;{}]*\)\s*\{(.*?)^\}', re.MULTILINE | re.DOTALL
)
_MACRO = re.compile(r'^[ \t]*#[ \t]*define[ \t]+(\w+)((?:\\\n|[^\n])*)', re.MULTILINE)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)
_DEFAULT_TABLE = re.compile(
    r'#ifdef TFLM_PATCH_KERNEL_TABLE_FILE\n.*?#else\n(.*?)#endif\n', re.DOTALL
)
_ENTRY = re.compile(r'[ \t]*\[TFLM_PATCH_(\w+)\]\s*=\s*&\w+,\n', re.DOTALL)


@dataclasses.dataclass(frozen=True)
class _Tree:
  """What the files under src/ define and mention; paths are relative to it."""

  text: dict[str, str]
  defined_by: dict[str, tuple[str, ...]]
  mentions: dict[str, frozenset[str]]  # of a file, or of an inline function or macro
  entries: dict[str, str]


def source_dir() -> pathlib.Path:
  """The folder of the kernels' sources."""
  return kernels_dir() / 'src'


def table_lines(kinds: Iterable[Kind]) -> str:
  """The lines of the kernel table for some kinds, for TFLM_PATCH_KERNEL_TABLE_FILE.

  Raises:
    TflmPatchError: the kernel sources have no such kind.
  """
  entries = _tree().entries
  lines = []
  for kind in sorted(set(kinds)):
    if kind.name not in entries:
      raise TflmPatchError(
          f'the kernel sources in {source_dir()} know no {kind.name}; reinstall tflm-patch'
      )
    lines.append(entries[kind.name])
  return ''.join(lines)


def table_source(kinds: Iterable[Kind]) -> str:
  """src/kernel_table.c with the entries of some kinds only."""
  lines = table_lines(kinds)
  return _DEFAULT_TABLE.sub(lambda _: lines, _tree().text[TABLE])


def needed_sources(kinds: Iterable[Kind]) -> tuple[str, ...]:
  """The C files, relative to `source_dir()`, that programs of some kinds need."""
  tree = _tree()
  found = {TABLE}
  waiting = [*_ROOTS, *_NAME.findall(table_lines(kinds))]
  seen = set(waiting)
  while waiting:
    name = waiting.pop()
    files = [file for file in tree.defined_by.get(name, ()) if file not in found]
    found.update(files)
    for place in (name, *files):
      new = tree.mentions.get(place, frozenset()) - seen
      seen |= new
      waiting += new
  return tuple(sorted(found))


def is_hot(source: str) -> bool:
  """Whether a C file, relative to `source_dir()`, decides how fast a model runs."""
  return '/' in source or source in _HOT


def needed_headers(sources: Iterable[str]) -> tuple[str, ...]:
  """The headers under `source_dir()` that C files there include, directly or not."""
  tree = _tree()
  found: set[str] = set()
  waiting = list(sources)
  while waiting:
    file = waiting.pop()
    for name in _INCLUDE.findall(tree.text[file]):
      header = _normal(pathlib.PurePosixPath(file).parent / name)
      if header in tree.text and header not in found:
        found.add(header)
        waiting.append(header)
  return tuple(sorted(found))


def _normal(path: pathlib.PurePosixPath) -> str:
  parts: list[str] = []
  for part in path.parts:
    if part == '..' and parts:
      parts.pop()
    else:
      parts.append(part)
  return '/'.join(parts)


@functools.cache
def _tree() -> _Tree:
  folder = source_dir()
  text = {
      path.relative_to(folder).as_posix(): path.read_text(encoding='utf-8')
      for path in sorted(folder.rglob('*'))
      if path.suffix in ('.c', '.h')
  }
  defined_by: dict[str, list[str]] = {}
  mentions: dict[str, set[str]] = {}
  for file, original in text.items():
    code = _COMMENT.sub(' ', original)
    if file.endswith('.h'):
      for name, body in (*_INLINE.findall(code), *_MACRO.findall(code)):
        mentions.setdefault(name, set()).update(_NAME.findall(body))
      continue
    for name in (*_FUNCTION.findall(code), *_OBJECT.findall(code)):
      defined_by.setdefault(name, []).append(file)
    mentions[file] = set() if file == TABLE else set(_NAME.findall(code))
  table = _DEFAULT_TABLE.search(text.get(TABLE, ''))
  if table is None:
    raise EnvironmentMissing(f'{folder}: no kernel table in {TABLE}; reinstall tflm-patch')
  return _Tree(
      text=text,
      defined_by={name: tuple(files) for name, files in defined_by.items()},
      mentions={name: frozenset(names) for name, names in mentions.items()},
      entries={match[1]: match[0] for match in _ENTRY.finditer(table[1])},
  )
