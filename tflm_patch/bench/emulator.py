# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs a job on an emulated machine and reads what the image prints."""

from __future__ import annotations

import dataclasses
import pathlib
import subprocess
import tempfile
from collections.abc import Sequence

from tflm_patch.bench.cpus import Cpu
from tflm_patch.bench.image import Image
from tflm_patch.bench.job import StageJob, encode, flash_of
from tflm_patch.bench.timing import Flash
from tflm_patch.bench.trace import plugin
from tflm_patch.bench.trace.counts import Trace, parse
from tflm_patch.errors import TflmPatchError

DEFAULT_TIMEOUT_SECONDS = 1800.0
_CALIBRATION_TOLERANCE = 1e-3
_OK = 0


@dataclasses.dataclass(frozen=True)
class Measurement:
  """What the image found out; instructions, and bytes.

  Attributes:
    instructions: Of one inference, inside the stage.
    longest_band: Of these, in the band of the input that takes most; all where the
      input comes whole.
    per_operator: Of its kernels' runs, without the clock's own.
    validate_instructions: Of checking the program.
    stack: Of the inference, at its deepest.
    validate_stack: Of checking the program.
    different: Bytes of the outputs that differ from the golden ones.
    stray: Bytes written around the memory that belongs to the stage.
    trace: What was executed; None where nobody watched.
  """

  instructions: float
  longest_band: float
  per_operator: tuple[float, ...]
  validate_instructions: float
  stack: int
  validate_stack: int
  different: int
  stray: int
  trace: Trace | None


@dataclasses.dataclass(frozen=True)
class Watch:
  """What to look at besides what the image prints: blocks of instructions.

  Attributes:
    flash: Whose caches are to be followed; None for memory that does not wait.
  """

  flash: Flash | None = None


def run(
  cpu: Cpu,
  image: Image,
  job: StageJob,
  calls: list[int],
  timeout: float = DEFAULT_TIMEOUT_SECONDS,
  watch: Watch | None = None,
) -> Measurement:
  """Measures a stage.

  Args:
    cpu: The core that the image was built for.
    image: From `image.build`.
    job: The stage.
    calls: How often each operator's kernel is called in an inference.
    timeout: Seconds that the emulator may take.
    watch: Trace the blocks that run; see `plugin.why_not`.

  Raises:
    TflmPatchError: the job does not fit the machine, the emulator fails, or the
      stage is rejected.
  """
  data, needed = encode(job)
  if needed > image.job_bytes:
    raise TflmPatchError(
      f'{job.name}: needs {needed:,} bytes of memory on {cpu.name}, the emulated machine has '
      f'{image.job_bytes:,}'
    )
  with tempfile.TemporaryDirectory(prefix='tflm_patch_bench_') as folder:
    file, blocks = pathlib.Path(folder) / 'job.bin', pathlib.Path(folder) / 'blocks.txt'
    file.write_bytes(data)
    at, flash = image.job_address, flash_of(data)
    slow = (image.constants, range(at + flash.start, at + flash.stop))
    watching = [] if watch is None else watching_arguments(watch, image, slow, blocks)
    facts = facts_of(emulate(cpu, image, file, job.name, watching, timeout))
    trace = None if watch is None else parse(blocks.read_text())
  return _read(cpu, job, facts, calls, trace)


def watching_arguments(
  watch: Watch, image: Image, slow: Sequence[range], out: pathlib.Path
) -> list[str]:
  """Arguments of the emulator.

  Args:
    watch: What to look at.
    image: Where marks are.
    slow: Addresses of constants that lie in flash.
    out: The file to be written; see `trace.counts.parse`.
  """
  return plugin.arguments(
    out, image.marks, image.marker, slow, watch.flash or Flash(0, word_bytes=0)
  )


def emulate(
  cpu: Cpu,
  image: Image,
  file: pathlib.Path,
  name: str,
  watching: Sequence[str] = (),
  timeout: float = DEFAULT_TIMEOUT_SECONDS,
) -> str:
  """Runs an image to its end.

  Args:
    cpu: The core that the image was built for.
    image: What runs.
    file: Is loaded to the place of jobs.
    name: For messages.
    watching: From `watching_arguments`.
    timeout: Seconds that the emulator may take.

  Returns:
    What the image prints.

  Raises:
    TflmPatchError: the emulator fails, or takes longer.
  """
  command = [
    cpu.emulator,
    *cpu.machine,
    *watching,
    '-icount',
    'shift=0',
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
    str(image.path),
    '-device',
    f'loader,file={file},addr={image.job_address:#x},force-raw=on',
  ]
  try:
    done = subprocess.run(
      command,
      capture_output=True,
      text=True,
      errors='replace',
      timeout=timeout,
      stdin=subprocess.DEVNULL,
    )
  except subprocess.TimeoutExpired:
    raise TflmPatchError(
      f'{name}: {cpu.emulator} did not finish within {timeout:.0f} seconds'
    ) from None
  lines = done.stdout.splitlines()
  if done.returncode or not lines or lines[-1] != 'end':
    reason = ' '.join([*lines[-1:], *done.stderr.splitlines()[-1:]]) or 'no output'
    raise TflmPatchError(f'{name}: {cpu.emulator} ended with code {done.returncode} ({reason})')
  return done.stdout


def facts_of(text: str) -> list[tuple[str, list[int]]]:
  """Lines of a name and hexadecimal numbers."""
  words = [line.split() for line in text.splitlines()]
  return [(name, [int(number, 16) for number in numbers]) for name, *numbers in words]


def _read(
  cpu: Cpu, job: StageJob, facts: list[tuple[str, list[int]]], calls: list[int], trace: Trace | None
) -> Measurement:
  one = dict(facts)
  scale = cpu.instructions_per_tick
  expected, ticks = one['calibration']
  if abs(ticks * scale / expected - 1) > _CALIBRATION_TOLERANCE:
    raise TflmPatchError(
      f'{cpu.emulator} counts {ticks * scale:,.0f} instructions in a loop of {expected:,}: '
      'this version of QEMU cannot be used for measurements'
    )
  for name in ('validate', 'run', 'timed', 'stack_run', 'stack_validate'):
    if name in one and one[name][0] != _OK:
      raise TflmPatchError(
        f'{job.name}: the stage is rejected on {cpu.name} ({name} gave status {one[name][0]})'
      )
  rounds, clock_ticks = one['overhead']
  ops = {numbers[0]: numbers[1] for name, numbers in facts if name == 'op'}
  return Measurement(
    instructions=one['run'][1] * scale,
    longest_band=one['longest_band'][0] * scale,
    per_operator=tuple(
      max(0.0, scale * (ops[i] - count * clock_ticks / rounds)) for i, count in enumerate(calls)
    ),
    validate_instructions=one['validate'][1] * scale,
    stack=one['stack_run'][1],
    validate_stack=one['stack_validate'][1],
    different=max(sum(numbers[2] for numbers in outputs) for outputs in _runs(facts)),
    stray=max(numbers[0] for name, numbers in facts if name == 'guards'),
    trace=trace,
  )


def _runs(facts: list[tuple[str, list[int]]]) -> list[list[list[int]]]:
  """The outputs' lines of every run: they follow the guards' line."""
  runs: list[list[list[int]]] = []
  for name, numbers in facts:
    if name == 'guards':
      runs.append([])
    elif name == 'output':
      runs[-1].append(numbers)
  return runs
