# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a training step costs on an emulated microcontroller, and what it learns there."""

from __future__ import annotations

import dataclasses
import pathlib
import subprocess
import tempfile
from typing import Any

import numpy as np

from tflm_patch.bench import cpus, image
from tflm_patch.bench.image import FIRMWARE
from tflm_patch.errors import TflmPatchError
from tflm_patch.kernel_library import sources as kernel_sources
from tflm_patch.on_device.component import TrainingComponent
from tflm_patch.on_device.plan import Part
from tflm_patch.on_device.scheme import Loss
from tflm_patch.runtime import paths

_FLAGS = ('-std=c11', '-O2', '-ffunction-sections', '-fdata-sections', '-Wall', '-Wextra')
_TIMEOUT_SECONDS = 900
_SEED = 1


@dataclasses.dataclass(frozen=True)
class StepCost:
  """A training step on a core.

  Attributes:
    cpu: The core.
    inference: Instructions of the forward pass alone.
    step: Instructions of forward pass, backward pass and update.
    stack: Bytes at its deepest.
    memory: Bytes of the component's own memory, as linked.
    parameters: The trained weights and biases in the end, as they lie in memory.
    loss: Of the last sample.
  """

  cpu: str
  inference: float
  step: float
  stack: int
  memory: int
  parameters: bytes
  loss: float

  @property
  def ratio(self) -> float:
    """Instructions of a step by those of its forward pass."""
    return self.step / self.inference

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return {
      'cpu': self.cpu,
      'instructions_inference': self.inference,
      'instructions_step': self.step,
      'stack': self.stack,
      'memory': self.memory,
      'loss': self.loss,
    }


def random_images(component: TrainingComponent, count: int) -> np.ndarray:
  """int8 noise, [count, ...] of the model's input."""
  main = component.work.network.model.main
  shape = (count, *main.tensors[main.inputs[0]].shape)
  return np.random.default_rng(_SEED).integers(-128, 128, shape, np.int8)


def measure_step(
  component: TrainingComponent, images: np.ndarray, cpu: str = 'cortex-m4'
) -> StepCost:
  """Lets a component learn on an emulated core, and counts the last sample.

  Args:
    component: What learns.
    images: int8 [count, ...]; the label of number i is i modulo the classes, or targets of 0.
    cpu: Name of the core, see `bench.cpus`.

  Raises:
    EnvironmentMissing: compiler or emulator is not installed.
    TflmPatchError: the compiler or the emulator fails.
  """
  core = cpus.find(cpu)
  image.require_tools(core)
  with tempfile.TemporaryDirectory(prefix='tflm_patch_training_') as name:
    folder = pathlib.Path(name)
    for file, text in component.files.items():
      (folder / file).write_text(text)
    (folder / 'images.bin').write_bytes(images.tobytes())
    (folder / 'measure.c').write_text(_main(component, len(images)))
    sources = kernel_sources.sources_of(component.kernels)
    includes = (folder, FIRMWARE, *paths.include_dirs(), kernel_sources.source_dir())
    _run(
      [
        core.compiler,
        *core.flags,
        *_FLAGS,
        *(f'-I{each}' for each in includes),
        str(folder / 'measure.c'),
        *(str(kernel_sources.source_dir() / source) for source in sources),
        str(FIRMWARE / core.board),
        '-nostartfiles',
        '-Wl,--gc-sections',
        f'-L{FIRMWARE}',
        *('-T', core.script),
        *('-o', str(folder / 'image.elf')),
      ]
    )
    printed = _emulate(core, folder / 'image.elf', folder / 'images.bin')
  return _read(core, printed)


def _run(command: list[str]) -> None:
  done = subprocess.run(command, capture_output=True, text=True)
  if done.returncode:
    errors = [line for line in done.stderr.splitlines() if 'error' in line or 'undefined' in line]
    reason = (errors or done.stderr.splitlines() or ['no reason given'])[0]
    raise TflmPatchError(f'{command[0]} failed: {reason}')


def _emulate(core: cpus.Cpu, built: pathlib.Path, images: pathlib.Path) -> list[str]:
  address = _address_of_job(core)
  command = [
    core.emulator,
    *core.machine,
    *('-icount', 'shift=0', '-display', 'none', '-monitor', 'none', '-serial', 'none'),
    *('-chardev', 'stdio,id=host'),
    *('-semihosting-config', 'enable=on,target=native,chardev=host'),
    *('-kernel', str(built)),
    *('-device', f'loader,file={images},addr={address:#x},force-raw=on'),
  ]
  try:
    done = subprocess.run(
      command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, stdin=subprocess.DEVNULL
    )
  except subprocess.TimeoutExpired:
    raise TflmPatchError(
      f'{core.emulator} did not finish within {_TIMEOUT_SECONDS} seconds'
    ) from None
  lines = done.stdout.splitlines()
  if done.returncode or not lines or lines[-1] != 'end':
    reason = ' '.join([*lines[-1:], *done.stderr.splitlines()[-1:]]) or 'no output'
    raise TflmPatchError(f'{core.emulator} ended with code {done.returncode} ({reason})')
  return lines


def _address_of_job(core: cpus.Cpu) -> int:
  """Where the linker script puts what the emulator loads."""
  text = (FIRMWARE / core.script).read_text()
  line = next(line for line in text.splitlines() if line.strip().startswith('JOB'))
  return int(line.split('ORIGIN =')[1].split(',')[0], 16)


def _read(core: cpus.Cpu, lines: list[str]) -> StepCost:
  facts = {line.split()[0]: line.split()[1] for line in lines if ' ' in line}
  numbers = {name: int(value, 16) for name, value in facts.items() if name != 'parameters'}
  parts = [line.split()[1] for line in lines if line.startswith('parameters ')]
  if numbers['status']:
    raise TflmPatchError(f'learning on {core.name} gave status {numbers["status"]}')
  scale = core.instructions_per_tick
  return StepCost(
    cpu=core.name,
    inference=numbers['inference'] * scale,
    step=(numbers['inference'] + numbers['learn']) * scale,
    stack=numbers['stack'],
    memory=numbers['memory'],
    parameters=bytes.fromhex(''.join(parts)),
    loss=float(np.uint32(numbers['loss']).view(np.float32)),
  )


def _main(component: TrainingComponent, count: int) -> str:
  """The program: it includes the component, to look into its memory."""
  work, name = component.work, component.name
  main = work.network.model.main
  outputs = main.tensors[work.network.output].elements
  image_bytes = main.tensors[main.inputs[0]].bytes
  by_class = work.network.loss is Loss.CROSS_ENTROPY
  run = f'memcpy({name}_input(0), image, {image_bytes});\n  {name}_invoke();'
  if component.bands > 1:
    run = (
      f'for (uint32_t band = 0; band < {component.bands}; ++band) {{\n'
      f'    (void){name}_feed(image + band * {image_bytes // component.bands});\n  }}'
    )
  return _TEMPLATE.format(
    name=name,
    count=count,
    image_bytes=image_bytes,
    run=run,
    targets='' if by_class else f'static const float kTargets[{outputs}];',
    label=f'number % {outputs}' if by_class else 'kTargets',
    parameters=component.plan.offsets[Part.PARAMETERS, 0],
    parameter_bytes=work.parameters.bytes,
  )


_TEMPLATE = """\
#include "board.h"
#include "{name}.c"

enum {{ kPaint = 0xA5, kSlack = 128, kLineBytes = 32 }};

{targets}

static void print_number(const char* name, uint64_t value) {{
  char text[20];
  uint32_t at = sizeof(text) - 1;
  text[at] = '\\0';
  text[--at] = '\\n';
  do {{
    text[--at] = "0123456789abcdef"[value & 15u];
    value >>= 4;
  }} while (value != 0);
  text[--at] = ' ';
  board_print(name);
  board_print(text + at);
}}

static void print_parameters(void) {{
  for (uint32_t at = 0; at < {parameter_bytes}; at += kLineBytes) {{
    char text[2 * kLineBytes + 2];
    uint32_t end = 0;
    for (uint32_t i = at; i < at + kLineBytes && i < {parameter_bytes}; ++i) {{
      const uint8_t byte = (uint8_t)workspace[{parameters} + i];
      text[end++] = "0123456789abcdef"[byte >> 4];
      text[end++] = "0123456789abcdef"[byte & 15u];
    }}
    text[end++] = '\\n';
    text[end] = '\\0';
    board_print("parameters ");
    board_print(text);
  }}
}}

static uint64_t g_inference;
static uint64_t g_learning;

static __attribute__((noinline)) uint32_t learn(uint32_t number) {{
  const int8_t* image = (const int8_t*)board_job + number * {image_bytes};
  const uint64_t start = board_ticks();
  {run}
  const uint64_t between = board_ticks();
  const uint32_t status = (uint32_t){name}_learn({label});
  g_inference = between - start;
  g_learning = board_ticks() - between;
  return status;
}}

int main(void) {{
  uint32_t status = 0;
  board_clock_start();
  {name}_init();
  for (uint32_t number = 0; number < {count} && status == 0; ++number) {{
    status = learn(number);
  }}
  board_clock_stop();
  const float loss = {name}_loss();
  uint32_t bits;
  memcpy(&bits, &loss, sizeof(bits));
  print_number("status", status);
  print_number("inference", g_inference);
  print_number("learn", g_learning);
  print_number("loss", bits);
  print_number("memory", sizeof(workspace));
  print_parameters();
  uint8_t* const top = board_stack_pointer();
  for (volatile uint8_t* at = board_stack_limit; at < top - kSlack; ++at) {{
    *at = kPaint;
  }}
  (void)learn(0);
  const volatile uint8_t* lowest = board_stack_limit;
  while (lowest < top && *lowest == kPaint) {{
    ++lowest;
  }}
  print_number("stack", (uint64_t)(top - lowest));
  board_print("end\\n");
  board_exit(0);
}}
"""
