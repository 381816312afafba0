# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Builds the bare-metal image that runs a stage on a core.

The image is the same for all models: the stage comes to it as a job, which the
emulator loads into memory. So kernels are compiled once per core; objects are
kept in a cache by a digest of all that they are made from.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from tflm_patch.bench.cpus import Cpu
from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.kernel_library import sources as kernel_sources
from tflm_patch.runtime import paths

FIRMWARE = pathlib.Path(__file__).resolve().parent / 'firmware'
OPTIMIZATIONS = ('-O2', '-O3', '-Os')
CACHE = 'TFLM_PATCH_CACHE'  # environment variable with the folder of built images
_COMPILE = ('-std=c11', '-ffunction-sections', '-fdata-sections', '-Wall', '-Wextra')
_KEEP_SECONDS = 14 * 24 * 3600
_KERNEL = 'k-'  # prefixes of objects: what ships in firmware, what only measures, the rest
_HARNESS = 'h-'
_PROGRAM = 'p-'
_SIZE_LINE = re.compile(r'^ (\.[^\s]+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$', re.MULTILINE)
_SYMBOL_LINE = r'^\s+0x([0-9a-f]+)\s+{}\b'
_MARKS, _MARKER = 'board_marks', 'board_mark'  # of firmware/marks.c
_CODE_SECTIONS = ('.text', '.rodata', '.srodata')


@dataclasses.dataclass(frozen=True)
class Image:
  """A built image.

  Attributes:
    path: The ELF file.
    job_address: Where a job goes.
    job_bytes: How large it may be, with all memory that it names.
    code_bytes: Code and read-only data by source file of executor and kernels.
    support_bytes: Code of the compiler's and C libraries that they, and the
      harness, use.
    harness: Addresses of code that only measures.
    marks, marker: Addresses of the array and the function that tell which section runs.
    constants: Addresses of code and constants of the image.
  """

  path: pathlib.Path
  job_address: int
  job_bytes: int
  code_bytes: dict[str, int]
  support_bytes: int
  harness: tuple[range, ...]
  marks: range
  marker: range
  constants: range


def require_tools(cpu: Cpu) -> None:
  """Raises EnvironmentMissing when the core's compiler or emulator is not installed."""
  for program in (cpu.compiler, cpu.emulator):
    if shutil.which(program) is None:
      raise EnvironmentMissing(
        f'{program} is not installed, {cpu.name} cannot be measured: '
        f'apt-get install {cpu.packages[program]}'
      )


def build(
  cpu: Cpu, optimization: str = '-O2', cold: str | None = None, header: str | None = None
) -> Image:
  """The image for a core, built where it is not in the cache.

  Args:
    cpu: The core.
    optimization: One of OPTIMIZATIONS.
    cold: Another one for what is no inner loop, see `sources.is_hot`.
    header: Text of a header with what a model needs, see `sources.kernel_header`; None
      for all kernels.

  Raises:
    EnvironmentMissing: compiler or emulator is not installed.
    TflmPatchError: the compiler fails; says what it printed first.
  """
  require_tools(cpu)
  sources = {source: _kernel_name(source) for source in sorted(_kernels().rglob('*.c'))}
  for name in ('main.c', 'timed_executor.c', 'marks.c', cpu.board):
    sources[FIRMWARE / name] = f'{_HARNESS}{name}'
  cache = _cache()
  more = []
  if header is not None:
    file = cache / f'needed-{_digest(header.encode()).hex()}.h'
    _make(file, functools.partial(_write, header))
    more.append(f'-DTFLM_PATCH_KERNEL_TABLE_FILE="{file}"')
  levels = {source: _level(source, optimization, cold) for source in sources}
  common, objects = _objects(cpu, sources, levels, more, header or '')
  scripts = _contents(FIRMWARE.glob('*.ld'))
  key = _digest(common, *(each.name.encode() for each in objects), *scripts).hex()
  image = cache / f'{cpu.name}-{key}.elf'
  _make(image, lambda output: _link(cpu, objects, output))
  return _describe(image)


def build_program(
  cpu: Cpu, folder: pathlib.Path, kernels: Iterable[pathlib.Path], optimization: str = '-O2'
) -> Image:
  """The image of a program of its own that calls kernels, built in its folder.

  Args:
    cpu: The core.
    folder: Holds program.c and what it includes.
    kernels: Sources of kernels that it needs; their objects are kept in the cache.
    optimization: One of OPTIMIZATIONS.

  Raises:
    EnvironmentMissing: compiler or emulator is not installed.
    TflmPatchError: the compiler fails; says what it printed first.
  """
  require_tools(cpu)
  sources = {source: _kernel_name(source) for source in sorted(kernels)}
  for name in ('marks.c', cpu.board):
    sources[FIRMWARE / name] = f'{_HARNESS}{name}'
  _, objects = _objects(cpu, sources, dict.fromkeys(sources, optimization))
  program, image = folder / f'{_PROGRAM}program.o', folder / 'program.elf'
  flags = [*_flags(cpu), f'-I{folder}', optimization]
  _run(cpu, [*flags, '-c', str(folder / 'program.c'), '-o', str(program)])
  _link(cpu, [*objects, program], str(image))
  return _describe(image)


def _kernels() -> pathlib.Path:
  return paths.kernels_dir() / 'src'


def _kernel_name(source: pathlib.Path) -> str:
  """What the names of a kernel's objects begin with."""
  return _KERNEL + '+'.join(source.relative_to(_kernels()).with_suffix('').parts)


def _flags(cpu: Cpu) -> list[str]:
  includes = [paths.kernels_dir() / 'include', _kernels(), FIRMWARE]
  return [*cpu.flags, *_COMPILE, *(f'-I{folder}' for folder in includes)]


def _objects(
  cpu: Cpu,
  sources: Mapping[pathlib.Path, str],
  levels: Mapping[pathlib.Path, str],
  more: Sequence[str] = (),
  header: str = '',
) -> tuple[bytes, list[pathlib.Path]]:
  """Objects of sources, compiled where they are not in the cache.

  Args:
    cpu: The core.
    sources: What the names of their objects begin with.
    levels: Of optimization.
    more: Flags.
    header: What these flags stand for.

  Returns:
    A digest of what all are made from, and the objects.
  """
  cache, flags = _cache(), [*_flags(cpu), *more]
  common = _digest(
    _compiler_version(cpu.compiler).encode(),
    # Not the folder's name: equal sources make equal objects anywhere.
    *(flag.encode() for flag in (*cpu.flags, *_COMPILE)),
    header.encode(),
    *_contents(
      [*paths.kernels_dir().rglob('*.h'), *FIRMWARE.glob('*.h'), _kernels() / 'executor.c']
    ),
  )
  objects = {
    source: cache / f'{name}-{_object_key(common, levels[source], source)}.o'
    for source, name in sources.items()
  }
  with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    list(pool.map(lambda item: _compile(cpu, [*flags, levels[item[0]]], *item), objects.items()))
  return common, list(objects.values())


def _write(text: str, output: str) -> None:
  pathlib.Path(output).write_text(text)


def _object_key(common: bytes, level: str, source: pathlib.Path) -> str:
  return _digest(common, level.encode(), source.read_bytes()).hex()


def _level(source: pathlib.Path, optimization: str, cold: str | None) -> str:
  folder = kernel_sources.source_dir()
  if cold is None or folder not in source.parents:
    return optimization
  is_hot = kernel_sources.is_hot(source.relative_to(folder).as_posix())
  return optimization if is_hot else cold


def _compile(cpu: Cpu, flags: list[str], source: pathlib.Path, target: pathlib.Path) -> None:
  _make(target, lambda output: _run(cpu, [*flags, '-c', str(source), '-o', output]))


def _link(cpu: Cpu, objects: list[pathlib.Path], output: str) -> None:
  map_file = f'{output}.map'
  _run(
    cpu,
    [
      *cpu.flags,
      '-nostartfiles',
      '-Wl,--gc-sections',
      f'-Wl,-Map={map_file}',
      f'-L{FIRMWARE}',
      '-T',
      cpu.script,
      *map(str, objects),
      '-o',
      output,
    ],
  )


def _make(target: pathlib.Path, action: Callable[[str], object]) -> None:
  """Makes a file of the cache unless it is there; others may do so at the same time."""
  if target.exists():
    os.utime(target)  # in use: not to be removed as old
    return
  with tempfile.TemporaryDirectory(dir=target.parent) as folder:
    output = pathlib.Path(folder) / target.name
    action(str(output))
    for made in sorted(output.parent.iterdir(), reverse=True):  # the file itself last
      made.replace(target.parent / made.name)


def _run(cpu: Cpu, arguments: list[str]) -> None:
  """Calls the core's compiler."""
  done = subprocess.run([cpu.compiler, *arguments], capture_output=True, text=True)
  if done.returncode:
    errors = [line for line in done.stderr.splitlines() if 'error' in line or 'undefined' in line]
    reason = (errors or done.stderr.splitlines() or ['no reason given'])[0]
    raise TflmPatchError(
      f'{cpu.compiler} failed: {reason}; it needs the packages {cpu.packages[cpu.compiler]}'
    )


@functools.cache
def _compiler_version(compiler: str) -> str:
  return subprocess.run([compiler, '--version'], capture_output=True, text=True).stdout


def _contents(files: Iterable[pathlib.Path]) -> list[bytes]:
  return [part for file in sorted(files) for part in (file.name.encode(), file.read_bytes())]


def _digest(*parts: bytes) -> bytes:
  digest = hashlib.sha256()
  for part in parts:
    digest.update(len(part).to_bytes(8, 'little') + part)
  return digest.digest()[:12]


def _cache() -> pathlib.Path:
  """The folder of objects and images; removes what was not used for long."""
  base = os.environ.get(CACHE)
  if base is None:
    home = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    base = os.path.join(home, 'tflm_patch')
  folder = pathlib.Path(base) / 'bench'
  try:
    folder.mkdir(parents=True, exist_ok=True)
    oldest = time.time() - _KEEP_SECONDS
    for file in folder.iterdir():
      if file.is_file() and file.stat().st_mtime < oldest:
        file.unlink(missing_ok=True)
  except OSError as error:
    raise TflmPatchError(
      f'{folder}: cannot be used ({error.strerror}); set {CACHE} to a folder for built images'
    ) from error
  return folder


def _describe(path: pathlib.Path) -> Image:
  """What the linker's map says of an image."""
  text = pathlib.Path(f'{path}.map').read_text()
  text = text[text.index('Linker script and memory map') :]
  code: dict[str, int] = {}
  harness: list[range] = []
  placed: dict[str, range] = {}
  support = 0
  # Long section names stand on a line of their own.
  for section, address, size, file in _SIZE_LINE.findall(re.sub(r'\n {16}', ' ', text)):
    begin, bytes_ = int(address, 16), int(size, 16)
    placed[section] = range(begin, begin + bytes_)
    if not section.startswith(_CODE_SECTIONS):
      continue
    name = os.path.basename(file)
    if name.startswith(_KERNEL):
      source = name[len(_KERNEL) :].rpartition('-')[0].replace('+', '/')
      code[source] = code.get(source, 0) + bytes_
    elif name.startswith(_HARNESS):
      harness.append(placed[section])
    else:
      support += bytes_
  begin, end = (_symbol(text, name) for name in ('board_job', 'board_job_end'))
  return Image(
    path,
    begin,
    end - begin,
    dict(sorted(code.items())),
    support,
    harness=tuple(each for each in harness if each),
    marks=placed[f'.bss.{_MARKS}'],
    marker=placed[f'.text.{_MARKER}'],
    constants=range(_symbol(text, 'board_data_load')),
  )


def _symbol(text: str, name: str) -> int:
  found = re.search(_SYMBOL_LINE.format(name), text, re.MULTILINE)
  assert found is not None, name
  return int(found[1], 16)
