# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs the C core's unit tests and the fuzzer on emulated cores: their kernels must give the
same bytes, and leave the bytes around every buffer as they are."""

from __future__ import annotations

import pathlib

import pytest
from support import emulated, golden
from support.effort import examples

HERE = pathlib.Path(__file__).resolve().parent
KERNELS = HERE.parents[1] / 'micro_kernels'
CPUS = ('cortex-m4', 'cortex-m55')
# Those that concern kernels; the others do not depend on the core.
TESTS = (
  'batch_matmul',
  'binary',
  'bottleneck',
  'conv',
  'depthwise_conv',
  'fully_connected',
  'golden',
  'golden_int16',
  'golden_maps',
  'mean',
  'moves',
  'neighbours',
  'pool',
  'recurrent',
  'reductions',
  'requantize',
  'requantize_maps',
  'schedule',
  'usual_windows',
)
MUTANTS = examples(20_000)
# A call of calloc() instead of malloc() would escape qemu/main.c.
FLAGS = (
  '-O3',
  '-fno-builtin-malloc',
  '-DBUILDER_GUARDS',
  *(f'-I{folder}' for folder in (KERNELS / 'include', KERNELS / 'src', emulated.BOARDS, HERE)),
)


@pytest.fixture(scope='module', params=CPUS)
def core(request, tmp_path_factory):
  """A core, the kernels compiled for it, and the folder where they are."""
  cpu = emulated.core(request.param)
  folder = tmp_path_factory.mktemp(cpu.name)
  sources = [
    *(KERNELS / 'src').rglob('*.c'),
    emulated.BOARDS / cpu.board,
    HERE / 'program_builder.c',
    HERE / 'qemu' / 'main.c',
  ]
  return cpu, folder, emulated.compile_all(cpu, sources, folder / 'core', *FLAGS)


def run_test(core, sources, *flags):
  """Builds a program around the core's objects and runs it; gives what it prints."""
  cpu, folder, objects = core
  name = sources[0].stem
  flags = (*FLAGS, f'-I{golden.headers()}', '-Dmain=test_main', *flags)
  test = emulated.compile_all(cpu, sources, folder / name, *flags)
  elf = emulated.link(
    cpu,
    [*test, *objects],
    folder / f'{name}.elf',
    '--specs=nosys.specs',
    '-Wl,--no-warnings,--wrap=malloc',
  )
  return emulated.emulate(cpu, elf)


@pytest.mark.parametrize('name', TESTS)
def test_unit_tests(core, name):
  assert 'checks, 0 failed' in run_test(core, [HERE / f'test_{name}.c'])


def test_fuzzed_programs(core):
  """The family's own kernels in mutated programs, each buffer between bytes that must stay."""
  fuzz = HERE.parent / 'fuzz'
  printed = run_test(
    core, [fuzz / 'program_fuzz.c', fuzz / 'corpus.c'], f'-DFUZZ_ITERATIONS={MUTANTS}'
  )
  assert f'{MUTANTS} mutants' in printed
  assert int(printed.split(',')[1].split()[0]) > MUTANTS // 50
