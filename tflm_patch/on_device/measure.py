# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a training step costs on an emulated microcontroller, and what it learns there."""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tflm_patch.bench import cpus, emulator, image
from tflm_patch.bench.timing import TIMINGS, Cycles, Flash, cycles_of
from tflm_patch.bench.timing.disassembly import disassemble
from tflm_patch.bench.trace import counts, plugin
from tflm_patch.codegen.compiler import CompileOptions, compile_model
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.kernel_library import sources as kernel_sources
from tflm_patch.on_device import measure_program as program
from tflm_patch.on_device.component import TrainingComponent
from tflm_patch.on_device.options import DEFAULT_TRAINING, TrainingOptions

_SEED = 1


@dataclasses.dataclass(frozen=True)
class PartCost:
  """A part of a step on a core.

  Attributes:
    name: The operators that go backward; or the forward pass, or the loss.
    instructions: Executed.
    cycles: Modelled; None without a model of the core.
  """

  name: str
  instructions: float
  cycles: Cycles | None


@dataclasses.dataclass(frozen=True)
class StepCost:
  """A training step on a core.

  Attributes:
    cpu: The core.
    optimization: The compiler's flag.
    forward: Instructions of the forward pass.
    step: Instructions of forward pass, backward pass and update.
    parts: Of the step, in order: the forward pass, the loss, operators backward.
    stack: Bytes at its deepest.
    memory: Bytes of the component's own memory, as linked.
    code: Bytes of code and read-only data of the kernels that are linked.
    parameters: The trained weights and biases after all images, as they lie in memory.
    loss: Of the last of them.
    cycles_missing: Why there are no cycles, None where there are.
  """

  cpu: str
  optimization: str
  forward: float
  step: float
  parts: tuple[PartCost, ...]
  stack: int
  memory: int
  code: int
  parameters: bytes
  loss: float
  cycles_missing: str | None

  @property
  def cycles(self) -> Cycles | None:
    """Of the step, None without a model of the core."""
    found = [part.cycles for part in self.parts if part.cycles is not None]
    return sum(found, Cycles()) if found else None

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    cycles = self.cycles
    return {
      'cpu': self.cpu,
      'optimization': self.optimization,
      'instructions_forward': round(self.forward),
      'instructions_step': round(self.step),
      'cycles': None if cycles is None else cycles.cycles,
      'cycles_bounds': None if cycles is None else [cycles.least, cycles.most],
      'cycles_missing': self.cycles_missing,
      'stack': self.stack,
      'memory': self.memory,
      'code_bytes': self.code,
      'loss': self.loss,
      'parts': [
        {
          'name': part.name,
          'instructions': round(part.instructions),
          'cycles': None if part.cycles is None else part.cycles.cycles,
        }
        for part in self.parts
      ],
    }


def random_images(component: TrainingComponent, count: int) -> np.ndarray:
  """int8 noise, [count, ...] of the model's input."""
  main = component.work.network.model.main
  shape = (count, *main.tensors[main.inputs[0]].shape)
  return np.random.default_rng(_SEED).integers(-128, 128, shape, np.int8)


def measure_step(
  component: TrainingComponent,
  images: np.ndarray,
  cpu: str = 'cortex-m4',
  optimization: str = '-O2',
  flash: Flash | None = None,
) -> StepCost:
  """Lets a component learn on an emulated core, and counts the last sample.

  Args:
    component: What learns.
    images: int8 [count, ...]; the label of number i is i modulo the classes, or targets of 0.
    cpu: Name of the core, see `bench.cpus`.
    optimization: The compiler's flag, one of `bench.image.OPTIMIZATIONS`.
    flash: What code and constants lie in, for the cycles; None for memory that does not wait.

  Raises:
    EnvironmentMissing: compiler or emulator is not installed.
    TflmPatchError: the compiler or the emulator fails.
  """
  core = cpus.find(cpu)
  missing = _why_no_cycles(core)
  name = f'{component.name}.c'
  files = {
    **component.files,
    name: program.watched(component.files[name], component.name),
    'program.c': program.learning_program(component, len(images)),
  }
  watch = None if missing else emulator.Watch(flash)
  ran = _run(core, files, component.kernels, images.tobytes(), optimization, watch)
  names = ('forward', 'loss', *(_name_of(group) for group in component.backward))
  return _read(core, optimization, ran, names, missing)


def measure_inference(
  model: Model,
  cpu: str = 'cortex-m4',
  options: TrainingOptions = DEFAULT_TRAINING,
  optimization: str = '-O2',
) -> float:
  """Instructions of an inference of a model that is compiled for that alone.

  Args:
    model: Not converted.
    cpu: Name of the core, see `bench.cpus`.
    options: Of training: how the input comes, and how the model is converted.
    optimization: The compiler's flag, one of `bench.image.OPTIMIZATIONS`.

  Raises:
    EnvironmentMissing: compiler or emulator is not installed.
    TflmPatchError: the model cannot be compiled, or the compiler or the emulator fails.
  """
  core = cpus.find(cpu)
  convert = dataclasses.replace(options.convert, force_stage=True, input_rows=options.input_rows)
  compiled = compile_model(
    serialize_model(model), CompileOptions(name='model', convert=convert), origin=model.source or ''
  )
  main = model.main
  inputs = [main.tensors[i] for i in main.inputs]
  files = {**compiled.files, 'program.c': program.inference_program(compiled, inputs)}
  noise = np.random.default_rng(_SEED).integers(-128, 128, inputs[0].shape, np.int8)
  ran = _run(core, files, compiled.kernels, noise.tobytes(), optimization, None)
  return dict(emulator.facts_of(ran.printed))['inference'][0] * core.instructions_per_tick


@dataclasses.dataclass(frozen=True)
class _Ran:
  """A program that has run.

  Attributes:
    printed: By it.
    code: Bytes of its kernels.
    cycles: By part, None where nobody watched.
  """

  printed: str
  code: int
  cycles: Mapping[int, Cycles] | None


def _why_no_cycles(core: cpus.Cpu) -> str | None:
  if core.name not in TIMINGS:
    return f'no timings of the {core.name} are published'
  image.require_tools(core)
  return plugin.why_not(core.emulator)


def _run(
  core: cpus.Cpu,
  files: Mapping[str, str],
  kernels: Iterable[str],
  data: bytes,
  optimization: str,
  watch: emulator.Watch | None,
) -> _Ran:
  """Builds a program of some files, and runs it with data at its job's place."""
  with tempfile.TemporaryDirectory(prefix='tflm_patch_training_') as name:
    folder = pathlib.Path(name)
    for file, text in files.items():
      (folder / file).write_text(text)
    images, blocks = folder / 'images.bin', folder / 'blocks.txt'
    images.write_bytes(data)
    sources = [kernel_sources.source_dir() / each for each in kernel_sources.sources_of(kernels)]
    built = image.build_program(core, folder, sources, optimization)
    if len(data) > built.job_bytes:
      raise TflmPatchError(
        f'{len(data):,} bytes of images do not fit {core.name}, where {built.job_bytes:,} do'
      )
    watching = []
    if watch is not None:
      watching = emulator.watching_arguments(watch, built, (built.constants,), blocks)
    printed = emulator.emulate(core, built, images, 'training', watching)
    cycles = None if watch is None else _cycles(core, built, blocks.read_text(), watch.flash)
    return _Ran(printed, sum(built.code_bytes.values()), cycles)


def _cycles(
  core: cpus.Cpu, built: image.Image, blocks: str, flash: Flash | None
) -> dict[int, Cycles]:
  """By section of a trace."""
  code = disassemble(core.compiler.replace('gcc', 'objdump'), built.path)
  trace, timing = counts.parse(blocks), TIMINGS[core.name]
  return {
    section: cycles_of(trace, section, code, timing, flash, built.harness)
    for section in trace.edges
    if section
  }


def _name_of(group: Any) -> str:
  names = [step.operator.view.name for step in reversed(group)]
  return f'{names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"} backward'


def _read(
  core: cpus.Cpu, optimization: str, ran: _Ran, names: tuple[str, ...], missing: str | None
) -> StepCost:
  lines = [line.split() for line in ran.printed.splitlines()]
  facts = emulator.facts_of(ran.printed)
  numbers = {name: values[0] for name, values in facts if values}
  if numbers['status']:
    raise TflmPatchError(f'learning on {core.name} gave status {numbers["status"]}')
  scale = core.instructions_per_tick
  parts = [values[0] * scale for name, values in facts if name == 'part']
  cycles = ran.cycles or {}
  return StepCost(
    cpu=core.name,
    optimization=optimization,
    forward=numbers['forward'] * scale,
    step=(numbers['forward'] + numbers['learning']) * scale,
    parts=tuple(
      PartCost(name, instructions, cycles.get(number))
      for number, (name, instructions) in enumerate(zip(names, parts, strict=True), program.FORWARD)
    ),
    stack=numbers['stack'],
    memory=numbers['memory'],
    code=ran.code,
    parameters=bytes.fromhex(''.join(line[1] for line in lines if line[0] == 'parameters')),
    loss=float(np.uint32(numbers['loss']).view(np.float32)),
    cycles_missing=missing,
  )
