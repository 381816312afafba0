# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From a converted model to a folder with a component."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from typing import Any

from tflm_patch.codegen import arena_array, resolver
from tflm_patch.codegen.model import ModelInfo, describe
from tflm_patch.codegen.names import Names, check_name
from tflm_patch.errors import TflmPatchError
from tflm_patch.export import component, registry
from tflm_patch.export.component import Runtime
from tflm_patch.export.folder import MANIFEST, write_folder
from tflm_patch.export.format import Format
from tflm_patch.graph.files import read_limited
from tflm_patch.version import __version__

SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class ExportOptions:
  """How to export.

  Attributes:
    format: A name of `FORMATS`.
    name: Prefix of files and functions, namespace of the resolver.
    runtime: TFLM for its interpreter, DIRECT for the stage executor alone, AUTO for
      what the format's builds can choose from, else what the format prefers: mostly
      the interpreter, for Arduino the stage executor where it can. A `Runtime` or
      its value.
    force: Write into a folder that is not empty: files of an earlier export are
      removed, other files stay.
  """

  format: str
  name: str = 'model'
  runtime: Runtime = Runtime.AUTO
  force: bool = False


@dataclasses.dataclass(frozen=True)
class ExportResult:
  """What was written.

  Attributes:
    folder: Where.
    format: Name of the format.
    files: Paths in the folder, sorted.
    info: The model.
    arena: Of TFLM, for the model.
    runtimes: What the component runs on.
  """

  folder: pathlib.Path
  format: str
  files: tuple[str, ...]
  info: ModelInfo
  arena: arena_array.ArenaFigures
  runtimes: tuple[Runtime, ...]

  def to_json(self) -> dict[str, Any]:
    """A summary for machines."""
    return {
      'schema_version': SCHEMA_VERSION,
      'output': str(self.folder),
      'format': self.format,
      'runtimes': [runtime.value for runtime in self.runtimes],
      'files': list(self.files),
      'operators': [custom or opcode for opcode, custom in self.info.operators],
      'operators_to_bring': resolver.unresolved(self.info.operators),
      'kernels': sorted(kind.name for kind in self.info.kinds),
      'model_bytes': len(self.info.data),
      'arena': {
        'pointer_bytes': 4,
        'head': self.arena.head,
        'head_measured': self.arena.measured,
        'tail': self.arena.tail,
        'exact': self.arena.exact,
        'margin': arena_array.MARGIN,
        'bytes': self.arena.bytes,
        'fast': self.arena.fast,
      },
    }


def export(
  path: str | os.PathLike[str], output: str | os.PathLike[str], options: ExportOptions
) -> ExportResult:
  """Exports a converted model.

  Args:
    path: The `.tflite` file that `convert` wrote.
    output: The folder to write; all of it or nothing.
    options: See `ExportOptions`.

  Raises:
    TflmPatchError: the model, an option or the folder does not do; one line says why.
  """
  chosen = registry.find(options.format)
  names = Names(check_name(options.name), _for_comments(os.path.basename(path)), __version__)
  info = describe(read_limited(path), os.fspath(path))
  runtimes = _runtimes(chosen, options.runtime, info)
  figures = arena_array.figures(info)
  files = chosen.files(component.make(info, names, figures, runtimes))
  files[MANIFEST] = _manifest(chosen, names, [*files, MANIFEST])
  write_folder(pathlib.Path(output), files, options.force)
  return ExportResult(
    pathlib.Path(output), chosen.name, tuple(sorted(files)), info, figures, runtimes
  )


def _runtimes(chosen: Format, wanted: str, info: ModelInfo) -> tuple[Runtime, ...]:
  try:
    runtime = Runtime(wanted)
  except ValueError:
    known = ', '.join(known.value for known in Runtime)
    raise TflmPatchError(f'unknown runtime "{wanted}"; known are {known}') from None
  if runtime == Runtime.DIRECT and info.direct is None:
    raise TflmPatchError(
      f'{info.source}: has operators outside of its stages, which need TFLM; '
      'export it with --runtime tflm'
    )
  if runtime != Runtime.AUTO:
    return (runtime,)
  if info.direct is None:
    return (Runtime.TFLM,)
  if chosen.chooses_runtime:
    return (Runtime.DIRECT, Runtime.TFLM)
  return (Runtime.DIRECT,) if chosen.prefers_direct else (Runtime.TFLM,)


def _manifest(chosen: Format, names: Names, files: list[str]) -> bytes:
  content = {
    'schema_version': SCHEMA_VERSION,
    'tool_version': names.version,
    'format': chosen.name,
    'name': names.lower,
    'files': sorted(files),
  }
  return (json.dumps(content, indent=2) + '\n').encode()


def _for_comments(name: str) -> str:
  """A file name that can stand in a comment, in XML and in YAML."""
  kept = ''.join(c if c.isascii() and (c.isalnum() or c in '._-+') else '_' for c in name)
  return kept.replace('--', '-_')
