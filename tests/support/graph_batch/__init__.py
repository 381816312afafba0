# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Stages of many models in one run of an emulated core.

The image is built once for a core; a batch is data that the emulator loads: programs, constants,
inputs, and the outputs that TFLM's interpreter gives on the host.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import shutil
import struct
import subprocess
from collections.abc import Sequence

import numpy as np

from support import emulated
from tflm_patch.api import ConversionResult
from tflm_patch.bench import cpus
from tflm_patch.bench import image as images
from tflm_patch.program.records import TYPE_CODES
from tflm_patch.runtime import paths
from tflm_patch.runtime.tflm import Interpreter

PROGRAM = pathlib.Path(__file__).resolve().parent / 'program.c'
OPTIMIZATION = '-O3'
_ALIGNMENT = 16
_FAILED = re.compile(r'^graph (\d+): (.*)$', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Runner:
  """The firmware for a core.

  Attributes:
    cpu: The core.
    image: Where it looks for a batch, and how large that may be with the memory of its graphs.
  """

  cpu: cpus.Cpu
  image: images.Image

  @property
  def batch_bytes(self) -> int:
    """How large a batch may be: the rest of the memory is for what its graphs need."""
    return self.image.job_bytes // 2


def build(cpu: cpus.Cpu, folder: pathlib.Path) -> Runner:
  """The firmware, with the kernels for the core, of which the objects are kept."""
  folder.mkdir(exist_ok=True)
  shutil.copy(PROGRAM, folder)
  kernels = (paths.kernels_dir() / 'src').rglob('*.c')
  return Runner(cpu, images.build_program(cpu, folder, kernels, OPTIMIZATION))


def entry(
  data: bytes, result: ConversionResult, samples: Sequence[Sequence[np.ndarray]]
) -> bytes | None:
  """A model's part of a batch; None where it did not become one stage of all its operators.

  Args:
    data: The original model.
    result: Its conversion, with the same inputs and outputs.
    samples: Inputs of each inference.
  """
  main = result.model.main
  if len(result.stages) != 1 or len(main.operators) != 1:
    return None
  (stage,), (operator,) = result.stages, main.operators
  read = operator.inputs[: len(stage.inputs)]  # the program and its constants follow
  if sorted(read) != sorted(main.inputs) or sorted(operator.outputs) != sorted(main.outputs):
    return None
  places = [list(main.inputs).index(t) for t in read]
  made = [list(main.outputs).index(t) for t in operator.outputs]
  tensors = [main.tensors[t] for t in (*read, *operator.outputs)]
  head = struct.pack(
    '<5I',
    len(tensors),
    len(places),
    len(samples),
    len(stage.encoded.program),
    len(stage.encoded.constants),
  )
  parts = [head]
  parts += [struct.pack('<2I', tensor.bytes, TYPE_CODES[tensor.dtype]) for tensor in tensors]
  parts += [stage.encoded.program, stage.encoded.constants]
  interpreter = Interpreter(data)
  for arrays in samples:
    outputs = interpreter.invoke(arrays)
    parts += [arrays[i].tobytes() for i in places]
    parts += [outputs[i].tobytes() for i in made]
  return b''.join(map(_padded, parts))


def run(runner: Runner, entries: Sequence[bytes], folder: pathlib.Path) -> dict[int, str]:
  """Runs a batch; gives the numbers of the graphs that failed, each with what is wrong.

  Where the core does not come to the end of a batch, halves of it are run.
  """
  body = b''.join(entries)
  file = folder / 'batch.bin'
  file.write_bytes(_padded(struct.pack('<2I', len(entries), _ALIGNMENT + len(body))) + body)
  loader = f'loader,file={file},addr={runner.image.job_address:#x},force-raw=on'
  try:
    printed = emulated.emulate(runner.cpu, runner.image.path, '-device', loader)
  except (AssertionError, subprocess.TimeoutExpired) as error:
    printed = str(error)
  if f'end {len(entries)}\n' in printed:
    return {int(number): text for number, text in _FAILED.findall(printed)}
  if len(entries) == 1:
    return {0: f'does not come to its end: {printed[-1000:]}'}
  half = len(entries) // 2
  first, second = (run(runner, part, folder) for part in (entries[:half], entries[half:]))
  return first | {half + number: text for number, text in second.items()}


def _padded(data: bytes) -> bytes:
  return data + bytes(-len(data) % _ALIGNMENT)
