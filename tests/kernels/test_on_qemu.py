# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs the C core's unit tests on emulated cores: their kernels must give the same bytes."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import subprocess

import pytest

from tflm_patch.bench import cpus, image
from tflm_patch.errors import EnvironmentMissing

HERE = pathlib.Path(__file__).resolve().parent
KERNELS = HERE.parents[1] / 'micro_kernels'
CPUS = ('cortex-m4', 'cortex-m55')
# Those that concern kernels; the others do not depend on the core.
TESTS = (
    'binary', 'bottleneck', 'conv', 'depthwise_conv', 'fully_connected', 'golden', 'golden_int16',
    'golden_maps', 'mean', 'pool', 'requantize', 'schedule',
)  # fmt: skip
# A call of calloc() instead of malloc() would escape qemu/main.c.
FLAGS = (
    '-std=c11', '-O3', '-Wall', '-Wextra', '-Wshadow', '-Wdouble-promotion', '-Werror',
    '-fno-builtin-malloc',
)  # fmt: skip
TIMEOUT_SECONDS = 300.0


@pytest.fixture(scope='module', params=CPUS)
def core(request, tmp_path_factory):
  """A core, the kernels compiled for it, and the folder where they are."""
  cpu = cpus.find(request.param)
  try:
    image.require_tools(cpu)
  except EnvironmentMissing as error:
    pytest.skip(str(error))
  folder = tmp_path_factory.mktemp(cpu.name)
  sources = [
      *(KERNELS / 'src').rglob('*.c'), image.FIRMWARE / cpu.board, HERE / 'program_builder.c',
      HERE / 'qemu' / 'main.c',
  ]  # fmt: skip
  targets = [folder / f'{i}.o' for i in range(len(sources))]
  with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    list(pool.map(lambda source, target: _compile(cpu, source, target), sources, targets))
  return cpu, folder, targets


def _compile(cpu: cpus.Cpu, source: pathlib.Path, target: pathlib.Path, *flags: str) -> None:
  includes = (KERNELS / 'include', KERNELS / 'src', image.FIRMWARE, HERE)
  _run([
      cpu.compiler, *cpu.flags, *FLAGS, *flags, *(f'-I{folder}' for folder in includes),
      '-c', str(source), '-o', str(target),
  ])  # fmt: skip


def _run(command: list[str]) -> str:
  done = subprocess.run(
      command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS
  )
  assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
  return done.stdout


@pytest.mark.parametrize('name', TESTS)
def test_unit_tests(core, name):
  cpu, folder, objects = core
  program = folder / f'{name}.o'
  _compile(cpu, HERE / f'test_{name}.c', program, '-Dmain=test_main')
  elf = folder / f'{name}.elf'
  _run([
      cpu.compiler, *cpu.flags, '-nostartfiles', '--specs=nosys.specs',
      '-Wl,--no-warnings,--wrap=malloc', f'-L{image.FIRMWARE}', '-T', cpu.script,
      str(program), *map(str, objects), '-lm', '-o', str(elf),
  ])  # fmt: skip
  printed = _run([
      cpu.emulator, *cpu.machine, '-display', 'none', '-monitor', 'none', '-serial', 'none',
      '-chardev', 'stdio,id=host', '-semihosting-config', 'enable=on,target=native,chardev=host',
      '-kernel', str(elf),
  ])  # fmt: skip
  assert 'checks, 0 failed' in printed
