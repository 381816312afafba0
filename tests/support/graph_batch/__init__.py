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
import struct
from collections.abc import Sequence

import numpy as np

from support import emulated
from tflm_patch.api import ConversionResult
from tflm_patch.bench import cpus
from tflm_patch.program.records import TYPE_CODES
from tflm_patch.runtime import paths
from tflm_patch.runtime.tflm import Interpreter

HERE = pathlib.Path(__file__).resolve().parent
_ALIGNMENT = 16
_ADDRESS = re.compile(r'^([0-9a-f]+) \S+ board_job$', re.MULTILINE)
_FAILED = re.compile(r'^graph (\d+):', re.MULTILINE)
# A call of calloc() where there is no heap.
_FLAGS = ('-O3', '-fno-builtin-malloc')


@dataclasses.dataclass(frozen=True)
class Image:
  """The firmware for a core, and where it looks for a batch."""

  cpu: cpus.Cpu
  elf: pathlib.Path
  address: str


def build(cpu: cpus.Cpu, folder: pathlib.Path) -> Image:
  """The firmware, with the kernels for the core."""
  kernels = paths.kernels_dir()
  sources = [*(kernels / 'src').rglob('*.c'), emulated.BOARDS / cpu.board, HERE / 'main.c']
  includes = (f'-I{each}' for each in (kernels / 'include', kernels / 'src', emulated.BOARDS))
  objects = emulated.compile_all(cpu, sources, folder / 'objects', *_FLAGS, *includes)
  elf = emulated.link(
    cpu, objects, folder / 'batch.elf', '--specs=nosys.specs', '-Wl,--no-warnings'
  )
  symbols = emulated.run('arm-none-eabi-nm', elf)
  found = _ADDRESS.search(symbols)
  assert found is not None
  return Image(cpu, elf, found[1])


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


def run(
  image: Image, entries: Sequence[bytes], folder: pathlib.Path
) -> tuple[str, tuple[int, ...]]:
  """Runs a batch; gives what it prints, and the numbers of the graphs that failed."""
  body = b''.join(entries)
  file = folder / 'batch.bin'
  file.write_bytes(_padded(struct.pack('<2I', len(entries), _ALIGNMENT + len(body))) + body)
  loader = f'loader,file={file},addr=0x{image.address},force-raw=on'
  printed = emulated.emulate(image.cpu, image.elf, '-device', loader)
  return printed, tuple(sorted({int(number) for number in _FAILED.findall(printed)}))


def _padded(data: bytes) -> bytes:
  return data + bytes(-len(data) % _ALIGNMENT)
