# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs the C core's unit tests on emulated cores: their kernels must give the same bytes."""

from __future__ import annotations

import pathlib

import pytest
from support import emulated

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
    '-O3', '-fno-builtin-malloc',
    *(f'-I{folder}' for folder in (KERNELS / 'include', KERNELS / 'src', emulated.BOARDS, HERE)),
)  # fmt: skip


@pytest.fixture(scope='module', params=CPUS)
def core(request, tmp_path_factory):
  """A core, the kernels compiled for it, and the folder where they are."""
  cpu = emulated.core(request.param)
  folder = tmp_path_factory.mktemp(cpu.name)
  sources = [
      *(KERNELS / 'src').rglob('*.c'), emulated.BOARDS / cpu.board, HERE / 'program_builder.c',
      HERE / 'qemu' / 'main.c',
  ]  # fmt: skip
  return cpu, folder, emulated.compile_all(cpu, sources, folder / 'core', *FLAGS)


@pytest.mark.parametrize('name', TESTS)
def test_unit_tests(core, name):
  cpu, folder, objects = core
  test = emulated.compile_all(
      cpu, [HERE / f'test_{name}.c'], folder / name, *FLAGS, '-Dmain=test_main'
  )
  elf = emulated.link(
      cpu, [*test, *objects], folder / f'{name}.elf', '--specs=nosys.specs',
      '-Wl,--no-warnings,--wrap=malloc',
  )  # fmt: skip
  assert 'checks, 0 failed' in emulated.emulate(cpu, elf)
