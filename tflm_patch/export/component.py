# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The files of an export that are the same for every format."""

from __future__ import annotations

import dataclasses
import enum
import pathlib
from collections.abc import Sequence

from tflm_patch.codegen.arena_array import ArenaFigures, arena_header
from tflm_patch.codegen.model import ModelInfo
from tflm_patch.codegen.names import Names, fill
from tflm_patch.codegen.resolver import resolver_header
from tflm_patch.export import runner
from tflm_patch.kernel_library import sources
from tflm_patch.runtime.paths import kernels_dir


class Runtime(str, enum.Enum):
  """What runs an exported model.

  AUTO is for options only: what the format's builds can choose from, else what the
  format prefers.
  """

  AUTO = 'auto'
  TFLM = 'tflm'
  DIRECT = 'direct'


HEADERS, KERNELS = 'tflm_patch', 'kernels'  # folders of the library's headers and sources
_ADAPTER = ('stage_op.cc', 'tflm_compat.h')
_NEEDED = 'model_kernels.h'  # what the model needs of the kernels
_BYTES_PER_LINE = 16


@dataclasses.dataclass(frozen=True)
class Component:
  """A model with the code that runs it.

  Attributes:
    info: The model.
    names: What its code is called.
    arena: Of TFLM, for this model.
    runtimes: What runs it: the stage executor alone, TFLM's interpreter, or both.
    headers: Files of the include folder, by their path in it.
    code: C and C++ files, with the headers that only they include, by path.
  """

  info: ModelInfo
  names: Names
  arena: ArenaFigures
  runtimes: tuple[Runtime, ...]
  headers: dict[str, bytes]
  code: dict[str, bytes]

  def compiled(self, runtime: Runtime) -> list[str]:
    """The C and C++ files of `code` that a build for one runtime compiles."""
    other = self._only(Runtime.TFLM if runtime == Runtime.DIRECT else Runtime.DIRECT)
    return [
      path for path in sorted(self.code) if path.endswith(('.c', '.cc')) and path not in other
    ]

  def shared(self) -> list[str]:
    """Those that every runtime compiles."""
    only = self._only(Runtime.DIRECT)
    return [path for path in self.compiled(Runtime.DIRECT) if path not in only]

  def only(self, runtime: Runtime) -> list[str]:
    """Those that only one runtime compiles."""
    return [path for path in self.compiled(runtime) if path in self._only(runtime)]

  def small(self) -> list[str]:
    """The C files whose speed does not matter."""
    start = f'{KERNELS}/'
    return [
      path
      for path in self.compiled(Runtime.DIRECT)
      if path.startswith(start) and not sources.is_hot(path[len(start) :])
    ]

  def tree(self, include: str, source: str) -> dict[str, bytes]:
    """All files, with the headers under one folder and the rest under another."""
    return {
      **{f'{include}/{path}': data for path, data in self.headers.items()},
      **{f'{source}/{path}': data for path, data in self.code.items()},
    }

  def _only(self, runtime: Runtime) -> tuple[str, ...]:
    if runtime == Runtime.DIRECT:
      return (f'{self.names.lower}_direct.c',)
    return (f'{self.names.lower}_tflm.cc', f'{KERNELS}/{_ADAPTER[0]}')


def make(
  info: ModelInfo, names: Names, arena: ArenaFigures, runtimes: Sequence[Runtime]
) -> Component:
  """Collects and generates the files.

  Raises:
    TflmPatchError: the model has something that no code can be made for.
  """
  headers = {
    f'{HEADERS}/{path.name}': path.read_bytes()
    for path in sorted((kernels_dir() / 'include/tflm_patch').glob('*.h'))
  }
  chosen = sources.sources_of_kinds(info.kinds)
  code = {
    f'{KERNELS}/{file}': (sources.source_dir() / file).read_bytes()
    for file in (*chosen, *sources.headers_of(chosen))
  }
  code[f'{KERNELS}/{sources.FAMILY}'] = sources.family_source(f'#include "{_NEEDED}"\n').encode()
  code[f'{KERNELS}/{_NEEDED}'] = sources.kernel_header(info.programs, info.shown).encode()
  name = names.lower
  headers[f'{name}.h'] = runner.model_header(info, names).encode()
  headers[f'{name}_data.h'] = fill('data.h', names, bytes=len(info.data)).encode()
  code[f'{name}_data.c'] = fill('data.c', names, rows=_array_rows(info.data)).encode()
  if Runtime.DIRECT in runtimes:
    code[f'{name}_direct.c'] = runner.direct_source(info, names).encode()
  if Runtime.TFLM in runtimes:
    for path in sorted((kernels_dir() / 'include/tflm_patch/tflm').glob('*.h')):
      headers[f'{HEADERS}/tflm/{path.name}'] = path.read_bytes()
    for file in _ADAPTER:
      code[f'{KERNELS}/{file}'] = (kernels_dir() / 'tflm' / file).read_bytes()
    headers[f'{name}_resolver.h'] = resolver_header(info, names).encode()
    headers[f'{name}_arena.h'] = arena_header(arena, names).encode()
    code[f'{name}_tflm.cc'] = runner.tflm_source(info, names).encode()
  return Component(info, names, arena, tuple(runtimes), headers, code)


def license_text() -> bytes:
  """The license of the kernels."""
  return pathlib.Path(kernels_dir() / 'LICENSE').read_bytes()


def _array_rows(data: bytes) -> str:
  lines = []
  for at in range(0, len(data), _BYTES_PER_LINE):
    line = data[at : at + _BYTES_PER_LINE]
    lines.append('  ' + ' '.join(f'{byte},' for byte in line) + '\n')
  return ''.join(lines)
