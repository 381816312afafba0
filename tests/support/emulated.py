# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Builds C programs for the emulated cores of `tflm_patch.bench`, and runs them."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import subprocess
from collections.abc import Iterable, Sequence

import pytest

from tflm_patch.bench import cpus, image
from tflm_patch.errors import EnvironmentMissing

BOARDS = image.FIRMWARE  # board.h: what a program has to print with and to end by
TIMEOUT_SECONDS = 300.0
WARNINGS = ('-Wall', '-Wextra', '-Wshadow', '-Wdouble-promotion', '-Werror')


def core(name: str) -> cpus.Cpu:
  """A core by name; skips the test where its compiler or emulator is not installed."""
  cpu = cpus.find(name)
  try:
    image.require_tools(cpu)
  except EnvironmentMissing as error:
    pytest.skip(str(error))
  return cpu


def compile_all(
  cpu: cpus.Cpu, sources: Iterable[pathlib.Path], folder: pathlib.Path, *flags: object
) -> list[pathlib.Path]:
  """Objects of C files, without a warning, side by side; in the order of the files."""
  folder.mkdir(exist_ok=True)
  listed = list(sources)
  targets = [folder / f'{i}_{source.stem}.o' for i, source in enumerate(listed)]

  def compile_one(source: pathlib.Path, target: pathlib.Path) -> None:
    run(cpu.compiler, *cpu.flags, '-std=c11', *WARNINGS, *flags, '-c', source, '-o', target)

  with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    list(pool.map(compile_one, listed, targets))
  return targets


def link(
  cpu: cpus.Cpu, objects: Sequence[pathlib.Path], target: pathlib.Path, *flags: object
) -> pathlib.Path:
  """An image of objects, the board's among them."""
  run(
    cpu.compiler,
    *cpu.flags,
    '-nostartfiles',
    f'-L{BOARDS}',
    '-T',
    cpu.script,
    *flags,
    *objects,
    '-lm',
    '-o',
    target,
  )
  return target


def emulate(cpu: cpus.Cpu, elf: pathlib.Path, *more: object) -> str:
  """Runs an image that ends with code 0; gives what it prints.

  Args:
    cpu: Its core.
    elf: The image.
    more: Further arguments of the emulator.
  """
  return run(
    cpu.emulator,
    *cpu.machine,
    '-display',
    'none',
    '-monitor',
    'none',
    '-serial',
    'none',
    '-chardev',
    'stdio,id=host',
    '-semihosting-config',
    'enable=on,target=native,chardev=host',
    '-kernel',
    elf,
    *more,
  )


def run(*command: object, cwd: pathlib.Path | None = None) -> str:
  """A command that must succeed; gives its output."""
  done = subprocess.run(
    [str(part) for part in command],
    capture_output=True,
    text=True,
    cwd=cwd,
    stdin=subprocess.DEVNULL,
    timeout=TIMEOUT_SECONDS,
  )
  assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
  return done.stdout
