# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A stage with its tensors as the image wants it: firmware/job.h, mirrored."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Sequence

import numpy as np

from tflm_patch.graph.types import DType
from tflm_patch.program import records as program
from tflm_patch.program.decode import header, hop_invocations

MAGIC = 0x424A5054
VERSION = 3
GUARD = 64
_HEADER = struct.Struct('<21I')
_TENSOR = struct.Struct('<4I')


@dataclasses.dataclass(frozen=True)
class Tensor:
  """A tensor of a stage.

  Attributes:
    dtype: Element type.
    bytes: Its size; that of a band where the stage is fed by bands.
    data: An input's values, of all invocations; the golden values of an output.
  """

  dtype: DType
  bytes: int
  data: np.ndarray


@dataclasses.dataclass(frozen=True)
class StageJob:
  """A stage and one inference: what goes in, what must come out.

  Attributes:
    name: For messages.
    program, constants: The stage operator's two constant tensors.
    inputs, outputs: Its tensors.
  """

  name: str
  program: bytes
  constants: bytes
  inputs: Sequence[Tensor]
  outputs: Sequence[Tensor]

  @property
  def bands(self) -> int:
    """Invocations that make up an inference."""
    given = max((tensor.data.nbytes // tensor.bytes for tensor in self.inputs), default=1)
    return given - self.warm_up

  @property
  def warm_up(self) -> int:
    """Invocations that fill a window before the one that is measured."""
    return (hop_invocations(self.program) or 1) - 1


class _Layout:
  """Hands out aligned places, one after the other."""

  def __init__(self) -> None:
    self.end = 0

  def take(self, size: int, guard: int = 0) -> int:
    at = -(-self.end // program.ALIGNMENT) * program.ALIGNMENT + guard
    self.end = at + size + guard
    return at


def encode(job: StageJob) -> tuple[bytes, int]:
  """The job's file and the bytes of memory that it takes, behind the file's included."""
  head = header(job.program)
  tensors = [*job.inputs, *job.outputs]
  layout = _Layout()
  layout.take(_HEADER.size)
  table = layout.take(_TENSOR.size * len(tensors))
  op_ticks = layout.take(8 * head.n_ops)
  program_at = layout.take(len(job.program))
  constants_at = layout.take(len(job.constants))
  data_at = [layout.take(tensor.data.nbytes) for tensor in tensors]
  file_bytes = layout.end
  memory = layout.take(0)
  workspace = layout.take(head.workspace_bytes, GUARD)
  state = layout.take(head.state_bytes, GUARD)
  fast = layout.take(head.fast_bytes, GUARD)
  memory_at = [layout.take(tensor.bytes, GUARD) for tensor in tensors]
  data = bytearray(file_bytes)
  _HEADER.pack_into(
    data,
    0,
    MAGIC,
    VERSION,
    layout.end,
    program_at,
    len(job.program),
    constants_at,
    len(job.constants),
    len(job.inputs),
    len(job.outputs),
    job.bands,
    workspace,
    head.workspace_bytes,
    memory,
    layout.end,
    op_ticks,
    table,
    state,
    head.state_bytes,
    job.warm_up,
    fast,
    head.fast_bytes,
  )
  for i, tensor in enumerate(tensors):
    code = program.TYPE_CODES[tensor.dtype]
    _TENSOR.pack_into(data, table + i * _TENSOR.size, memory_at[i], tensor.bytes, code, data_at[i])
  contents = [(program_at, job.program), (constants_at, job.constants)]
  contents += [(at, tensor.data.tobytes()) for at, tensor in zip(data_at, tensors)]
  for at, part in contents:
    data[at : at + len(part)] = part
  return bytes(data), layout.end


def flash_of(data: bytes) -> range:
  """Where a job's file holds what a chip keeps in flash: program and constants."""
  words = _HEADER.unpack_from(data)
  program_at, constants_at, constants_bytes = words[3], words[5], words[6]
  return range(program_at, constants_at + constants_bytes)
