# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What TFLM's allocator reports on an emulated Cortex-M4, for any number of models.

TFLM_PATCH_TFLM_ROOT names TFLM's sources, as built for a Cortex-M, and
TFLM_PATCH_TFLM_CORTEX_M4_LIBRARY what that gave:

    make -f tensorflow/lite/micro/tools/make/Makefile TARGET=cortex_m_generic \
        TARGET_ARCH=cortex-m4+fp microlite

Kernels are the reference ones: optimized kernels ask for memory of their own.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
from collections.abc import Sequence

from support import compiled as harness
from support import cortex_m4, firmware
from tflm_patch.arena import FIRMWARE_32, Build, operators
from tflm_patch.arena.structs import size_of
from tflm_patch.graph.types import Operator
from tflm_patch.runtime import paths

ROOT = os.environ.get('TFLM_PATCH_TFLM_ROOT')
LIBRARY = os.environ.get('TFLM_PATCH_TFLM_CORTEX_M4_LIBRARY')
SOURCE = pathlib.Path(__file__).resolve().parents[1] / 'firmware' / 'arena' / 'main.cc'
FLAGS = (*firmware.CORTEX_M4, '-Os', '-ffunction-sections', '-fdata-sections')
_DOWNLOADS = 'tensorflow/lite/micro/tools/make/downloads'
# An arena that is large enough for everything: what of it is used is asked for.
ROOMY = 0x800000


def missing() -> str | None:
  """Why the firmware cannot be built or run here, None when it can."""
  if not (ROOT and LIBRARY):
    return 'TFLM_PATCH_TFLM_ROOT and TFLM_PATCH_TFLM_CORTEX_M4_LIBRARY are not set'
  return cortex_m4.missing()


@dataclasses.dataclass(frozen=True)
class Request:
  """A model to allocate.

  Attributes:
    data: Its file.
    variables: Resource variables that it has.
    arena_bytes: Of memory that TFLM gets.
  """

  data: bytes
  variables: int = 0
  arena_bytes: int = ROOMY


@dataclasses.dataclass(frozen=True)
class Report:
  """Bytes: non-persistent, persistent, and `arena_used_bytes()`."""

  head: int
  tail: int
  total: int


class ArenaFirmware:
  """The firmware, built in a folder; what it reports of `build` is which TFLM it is."""

  def __init__(self, folder: pathlib.Path) -> None:
    assert ROOT is not None and LIBRARY is not None
    self._folder = folder
    self._image = folder / 'firmware'
    tree = pathlib.Path(ROOT).resolve()
    (folder / 'operators.inc').write_text(_additions(tree))
    include, tflm = paths.include_dirs()[0], paths.kernels_dir() / 'tflm'
    toolchain = harness.Toolchain('arm-none-eabi-gcc', FLAGS)
    harness.run(
      'arm-none-eabi-gcc', *FLAGS, '-c', cortex_m4.BOARD / 'startup.c', '-o', folder / 'start.o'
    )
    downloads = tree / _DOWNLOADS
    harness.run(
      'arm-none-eabi-g++',
      '-std=c++17',
      '-fno-rtti',
      '-fno-exceptions',
      '-fno-threadsafe-statics',
      '-DTF_LITE_STATIC_MEMORY',
      *FLAGS,
      f'-I{folder}',
      f'-I{include}',
      f'-I{tflm}',
      f'-I{tree}',
      f'-I{downloads}/flatbuffers/include',
      f'-I{downloads}/gemmlowp',
      f'-I{downloads}/ruy',
      SOURCE,
      tflm / 'stage_op.cc',
      folder / 'start.o',
      pathlib.Path(LIBRARY).resolve(),
      harness.kernels(toolchain),
      '-nostartfiles',
      '-Wl,--gc-sections',
      '-T',
      cortex_m4.BOARD / 'mps2_an386.ld',
      *cortex_m4.SEMIHOSTING,
      '-o',
      self._image,
    )
    (folder / 'models.txt').write_text('')
    params = int(self._run()[0].split()[1])
    builds = [dataclasses.replace(FIRMWARE_32, blockwise=blockwise) for blockwise in (True, False)]
    entry = operators.find(Operator('FULLY_CONNECTED', (), ()))
    assert entry is not None
    self.build: Build = next(b for b in builds if size_of(entry.options, b) == params)

  def allocate(self, requests: Sequence[Request]) -> list[Report | None]:
    """What TFLM reports of each; None where it refuses one."""
    lines = []
    for number, request in enumerate(requests):
      (self._folder / f'{number}.tflite').write_bytes(request.data)
      lines.append(f'{number}.tflite {request.variables} {request.arena_bytes}\n')
    (self._folder / 'models.txt').write_text(''.join(lines))
    printed = self._run()[1:]
    assert len(printed) == len(requests)
    reports: list[Report | None] = []
    for line in printed:
      accepted, *figures = map(int, line.split())
      reports.append(Report(*figures) if accepted else None)
    return reports

  def _run(self) -> list[str]:
    """The lines that the firmware prints, without TFLM's own."""
    text = cortex_m4.emulate(self._image, self._folder)
    return [line for line in text.splitlines() if re.fullmatch(r'sizeof.*|[01 ][\d ]*', line)]


def _additions(tree: pathlib.Path) -> str:
  """Every operator of the table of arenas, by TFLM's name of its registration."""
  header = (tree / 'tensorflow/lite/micro/micro_mutable_op_resolver.h').read_text()
  names = {name.lower(): name for name in re.findall(r'\bAdd(\w+)\(', header)}
  wanted = [name.replace('_', '').lower() for name in operators.known()]
  return ''.join(f'ADD({names[name]})\n' for name in wanted if name in names)
