# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Compiled models on QEMU's Cortex-M4, and the same stages run by the executor."""

from __future__ import annotations

import pathlib
import re
import shutil

import numpy as np

from support import compiled as harness
from tflm_patch.codegen.compiler import CompiledModel
from tflm_patch.runtime import paths

BOARD = pathlib.Path(__file__).resolve().parents[1] / 'codegen' / 'cortex_m4'
TOOLS = ('arm-none-eabi-gcc', 'arm-none-eabi-size', 'qemu-system-arm')
SECTIONS = ('-ffunction-sections', '-fdata-sections')
CORTEX_M4 = harness.Toolchain('arm-none-eabi-gcc', ('-mcpu=cortex-m4', '-mthumb', '-O2', *SECTIONS))
LINK = (
  '-nostartfiles',
  '-Wl,--gc-sections',
  '-T',
  str(BOARD / 'mps2_an386.ld'),
  str(BOARD / 'startup.c'),
)
SEMIHOSTING = ('--specs=rdimon.specs',)
# QEMU's system timer runs at 25 MHz and an instruction takes a nanosecond.
INSTRUCTIONS_PER_TICK = 40
TIMER = """
#include <stdint.h>
#define SYSTICK ((volatile uint32_t*)0xE000E010)
static inline void start_timer(void) {
  SYSTICK[1] = 0xFFFFFF;
  SYSTICK[2] = 0;
  SYSTICK[0] = 5;
}
static inline unsigned long read_timer(void) {
  return 0xFFFFFF - SYSTICK[2];
}
"""
# As small as an application can be: what the linker keeps is the model.
BARE_MAIN = """
#include "{name}.h"
int main(void);
void reset(void);
void reset(void) {{ (void)main(); for (;;) {{ }} }}
int main(void) {{
  {name}_init();
  {run};
  return *(const volatile signed char*){name}_output(0) + *(volatile signed char*){name}_input(0);
}}
"""
EXECUTOR_MAIN = """
#include <stdio.h>
#include "timer.h"
#include "stage.h"
#include "tflm_patch/executor.h"

static _Alignas(16) uint8_t workspace[WORKSPACE];
static _Alignas(16) uint8_t input[INPUT];
static _Alignas(16) uint8_t output[OUTPUT];

int main(void) {
  void* tensors[] = {input, output};
  start_timer();
  const int status = (int)tflm_patch_run(program, constants, tensors, workspace);
  printf("ticks %lu\\n", read_timer());
  return status;
}
"""


def missing() -> str | None:
  """The tools that are not installed, None when all are."""
  absent = [tool for tool in TOOLS if shutil.which(tool) is None]
  return f'needs {", ".join(absent)}' if absent else None


def emulate(image: pathlib.Path, folder: pathlib.Path) -> str:
  """Runs an image; gives what it prints."""
  return harness.run(
    'qemu-system-arm',
    '-machine',
    'mps2-an386',
    '-nographic',
    '-icount',
    'shift=0',
    '-semihosting-config',
    'enable=on,target=native',
    '-kernel',
    image,
    cwd=folder,
  )


def build(compiled: CompiledModel, folder: pathlib.Path) -> pathlib.Path:
  """The image of the host tests: inputs from a file, outputs to another."""
  return harness.build(compiled, folder, CORTEX_M4, *LINK, *SEMIHOSTING)


def flash_bytes(compiled: CompiledModel, folder: pathlib.Path) -> int:
  """Code and constants of an image that holds nothing but the model."""
  harness.write(compiled, folder)
  name = compiled.name
  run = f'(void){name}_feed({name}_input(0))' if compiled.bands > 1 else f'{name}_invoke()'
  (folder / 'bare.c').write_text(BARE_MAIN.format(name=name, run=run))
  image = folder / 'bare'
  harness.run(
    'arm-none-eabi-gcc',
    *CORTEX_M4.flags,
    f'-I{paths.include_dirs()[0]}',
    f'{name}.c',
    'bare.c',
    harness.kernels(CORTEX_M4),
    '-nostartfiles',
    '-Wl,--gc-sections',
    '-Wl,-e,reset',
    '--specs=nano.specs',
    '-o',
    image,
    cwd=folder,
  )
  text, data, *_ = harness.run('arm-none-eabi-size', image).splitlines()[1].split()
  return int(text) + int(data)


def object_bytes(compiled: CompiledModel, folder: pathlib.Path) -> int:
  """Code and constants of the model's own object."""
  harness.write(compiled, folder)
  target = folder / 'object.o'
  harness.run(
    'arm-none-eabi-gcc',
    *CORTEX_M4.flags,
    f'-I{paths.include_dirs()[0]}',
    '-c',
    f'{compiled.name}.c',
    '-o',
    target,
    cwd=folder,
  )
  text, data, *_ = harness.run('arm-none-eabi-size', target).splitlines()[1].split()
  return int(text) + int(data)


def instructions(image: pathlib.Path, folder: pathlib.Path) -> int:
  """What an image says that one inference takes."""
  ticks = re.search(r'ticks (\d+)', emulate(image, folder))
  assert ticks is not None
  return int(ticks[1]) * INSTRUCTIONS_PER_TICK


def compiled_instructions(compiled: CompiledModel, folder: pathlib.Path) -> int:
  """Of an inference by the compiled model."""
  (folder / 'timer.h').write_text(TIMER)
  name = compiled.name
  files = {
    **compiled.files,
    'main.c': f"""
#include <stdio.h>
#include "timer.h"
#include "{name}.h"
int main(void) {{
  {name}_init();
  start_timer();
  {name}_invoke();
  printf("ticks %lu\\n", read_timer());
}}
""",
  }
  return _measure(files, [f'{name}.c', 'main.c'], folder)


def executor_instructions(compiled: CompiledModel, folder: pathlib.Path) -> int:
  """Of an inference by the executor, for a model of one stage, input and output."""
  main = compiled.model.main
  (operator,) = main.operators
  (source, program, constants), (target,) = operator.inputs, operator.outputs
  workspace = int(np.frombuffer(main.tensors[program].data[20:24].tobytes(), '<u4')[0])
  lines = ['#include <stdint.h>']
  for name, index in (('program', program), ('constants', constants)):
    values = ','.join(map(str, main.tensors[index].data.tolist()))
    lines.append(f'static _Alignas(16) const uint8_t {name}[] = {{{values}}};')
  for name, size in (
    ('WORKSPACE', max(16, workspace)),
    ('INPUT', main.tensors[source].bytes),
    ('OUTPUT', main.tensors[target].bytes),
  ):
    lines.append(f'#define {name} {size}')
  files = {'stage.h': '\n'.join(lines), 'timer.h': TIMER, 'main.c': EXECUTOR_MAIN}
  return _measure(files, ['main.c'], folder)


def _measure(files: dict[str, str], sources: list[str], folder: pathlib.Path) -> int:
  for name, text in {**files, 'timer.h': TIMER}.items():
    (folder / name).write_text(text)
  image = folder / 'measured'
  harness.run(
    'arm-none-eabi-gcc',
    '-std=c11',
    *CORTEX_M4.flags,
    f'-I{paths.include_dirs()[0]}',
    *sources,
    harness.kernels(CORTEX_M4),
    *LINK,
    *SEMIHOSTING,
    '-o',
    image,
    cwd=folder,
  )
  return instructions(image, folder)
