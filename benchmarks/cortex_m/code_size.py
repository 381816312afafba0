# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Code of executor and kernels: all of them, and what single models need; Markdown.

  python benchmarks/cortex_m/code_size.py [--cpus m4,m55] [--models vww,kws] [--json]
    [--update docs/export.md]

Counted are code and read-only data of our own objects after --gc-sections: neither the
C library nor the models. The models are those of the folder TFLM_PATCH_MODELS (default:
../shared/models), converted at least memory. Their kernels are those of the header that
`tflm_patch.kernel_library.sources.kernel_header` makes; `compile` gives C for the model alone,
whose constants are not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import page

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.bench import cpus, image
from tflm_patch.codegen import model
from tflm_patch.codegen.compiler import CompileOptions, compile_model
from tflm_patch.conversion.stage_operator import is_stage
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import read_limited
from tflm_patch.kernel_library import sources
from tflm_patch.sample.sample import sample_model_path

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Columns: the flag for the inner loops, and that for the rest.
LEVELS = {'-Os': ('-Os', '-Os'), '-O2 and -Os': ('-O2', '-Os'), '-O2': ('-O2', '-O2')}
HEADER = (f'| core, what | {" | ".join(LEVELS)} |', f'|---|{"---:|" * len(LEVELS)}')


def library_bytes(cpu: cpus.Cpu, header: str | None = None) -> list[int]:
  """Bytes of executor and kernels at each level; `header` as for `image.build`."""
  return [
    sum(image.build(cpu, hot, cold, header).code_bytes.values()) for hot, cold in LEVELS.values()
  ]


def needed_header(path: pathlib.Path) -> str:
  """What a model needs of the kernels when it is converted."""
  data = read_limited(path)
  converted = convert_model(data, ConvertOptions(force_stage=True), str(path)).data
  info = model.describe(converted, str(path))
  return sources.kernel_header(info.programs, info.shown)


def compiled_bytes(cpu: cpus.Cpu, path: pathlib.Path) -> list[int]:
  """Bytes of a model as C, its kernels included, its constants not."""
  options = CompileOptions(name='model', standalone=True)
  compiled = compile_model(read_limited(path), options, 'model.c', str(path))
  entries = (
    'model_init',
    'model_input',
    'model_output',
    'model_feed' if compiled.bands > 1 else 'model_invoke',
  )
  with tempfile.TemporaryDirectory() as folder:
    for name, text in compiled.files.items():
      pathlib.Path(folder, name).write_text(text)
    return [
      _linked_bytes(cpu, pathlib.Path(folder), hot, cold, entries) - compiled.constants_bytes
      for hot, cold in LEVELS.values()
    ]


def _linked_bytes(
  cpu: cpus.Cpu, folder: pathlib.Path, hot: str, cold: str, entries: Sequence[str]
) -> int:
  # What is in a folder of the sources has its name in that of the file, see `standalone`.
  hot_files = {
    f'tflm_patch_{source.replace("/", "_")}'
    for path in sources.source_dir().rglob('*.c')
    if sources.is_hot(source := path.relative_to(sources.source_dir()).as_posix())
  }
  objects = []
  for source in sorted(folder.glob('*.c')):
    objects.append(str(source.with_suffix('.o')))
    level = hot if source.name in hot_files else cold
    _run(
      cpu.compiler,
      *cpu.flags,
      '-std=c11',
      level,
      '-ffunction-sections',
      '-fdata-sections',
      '-c',
      str(source),
      '-o',
      objects[-1],
    )
  linked = str(folder / 'linked')
  # Without the C library: what is linked is ours.
  _run(
    cpu.compiler,
    *cpu.flags,
    '-nostdlib',
    '-Wl,--gc-sections',
    '-Wl,--unresolved-symbols=ignore-all',
    f'-Wl,-e,{entries[0]}',
    *(f'-Wl,-u,{entry}' for entry in entries),
    *objects,
    '-o',
    linked,
  )
  sizes = _run(cpu.compiler.replace('gcc', 'size'), '-A', linked)
  return sum(
    int(line.split()[1]) for line in sizes.splitlines() if line.startswith(('.text', '.rodata'))
  )


def _run(*command: str) -> str:
  done = subprocess.run(command, capture_output=True, text=True)
  if done.returncode:
    raise TflmPatchError(f'{command[0]} failed: {done.stderr.strip().splitlines()[0]}')
  return done.stdout


def is_whole(path: pathlib.Path) -> bool:
  """Whether stages hold all operators of a model, so that it can be compiled to C."""
  converted = convert_model(read_limited(path), ConvertOptions(force_stage=True))
  return all(is_stage(operator) for operator in converted.model.main.operators)


def row(core: str, what: str, sizes: Sequence[int]) -> str:
  """One line of the table."""
  name = core.replace('cortex-m', 'Cortex-M')
  return f'| {name}, {what} | {" | ".join(f"{size:,}" for size in sizes)} |'


def measured(core: cpus.Cpu, paths: Sequence[pathlib.Path]) -> Iterator[tuple[str, Sequence[int]]]:
  """What is in the image, and its bytes at each level."""
  yield 'executor and all kernels', library_bytes(core)
  for path in paths:
    yield f'{path.stem}: executor and its kernels', library_bytes(core, needed_header(path))
    if is_whole(path):
      yield f'{path.stem}: compiled to C', compiled_bytes(core, path)


def main(arguments: Sequence[str] | None = None) -> None:
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--cpus', default='m4', help='cores, between commas')
  parser.add_argument('--models', default='', help="parts of models' names, between commas")
  parser.add_argument(
    '--update', metavar='PAGE', nargs='+', help='replace the table in these pages'
  )
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  parsed = parser.parse_args(arguments)
  folder = pathlib.Path(os.environ.get('TFLM_PATCH_MODELS', ROOT.parent / 'shared' / 'models'))
  paths = [
    path
    for path in (sample_model_path(), *sorted(folder.glob('*.tflite')))
    if any(part in path.stem for part in parsed.models.split(','))
  ]
  try:
    cores = [cpus.find(name) for name in parsed.cpus.split(',')]
    if parsed.json:
      rows = [
        {'core': core.name, 'what': what, 'bytes': dict(zip(LEVELS, sizes))}
        for core in cores
        for what, sizes in measured(core, paths)
      ]
      print(json.dumps({'schema_version': 1, 'rows': rows}, indent=2))
      return
    lines = list(HEADER)
    print('\n'.join(HEADER))
    for core in cores:
      for what, sizes in measured(core, paths):
        lines.append(row(core.name, what, sizes))
        print(lines[-1], flush=True)
    if parsed.update:
      page.put(parsed.update, 'code size', '\n'.join(lines))
  except TflmPatchError as error:
    raise SystemExit(str(error)) from None


if __name__ == '__main__':
  main()
