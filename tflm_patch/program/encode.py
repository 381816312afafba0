# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Stage programs as bytes: tables of records under a header with a checksum."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.program.constants import ConstantPool
from tflm_patch.program.fields import Deferred, field_types, record_of, scalars
from tflm_patch.program.params import Params
from tflm_patch.program.records import (
  ALIGNMENT,
  CHECKSUM_FROM,
  FAMILY_PORTABLE,
  HEADER,
  MAGIC,
  MAP,
  NONE,
  OP,
  SEGMENT,
  STEP,
  VERSION,
  Kind,
  MapEntry,
  Region,
)


def checksum(data: bytes) -> int:
  """tflm_patch_checksum: a Fletcher sum modulo 2^16 over the bytes."""
  values = np.frombuffer(data, np.uint8).astype(np.uint64)
  n = values.size
  a = 1 + int(values.sum())
  # b after n bytes is the sum of all prefix values of a.
  b = n + int((values * np.arange(n, 0, -1, dtype=np.uint64)).sum())
  return (b & 0xFFFF) << 16 | (a & 0xFFFF)


def finish(body: bytearray) -> bytes:
  """Fills in size and checksum of a program whose header is packed with zeros there."""
  while len(body) % 4:
    body.append(0)
  struct.pack_into('<I', body, HEADER.offset('program_bytes'), len(body))
  struct.pack_into('<I', body, HEADER.offset('checksum'), checksum(bytes(body[CHECKSUM_FROM:])))
  return bytes(body)


def header_alone(workspace_bytes: int, state_bytes: int = 0, kinds: Sequence[Kind] = ()) -> bytes:
  """A program without tables: for predictions of memory, not to be run.

  Args:
    workspace_bytes, state_bytes: As in the program.
    kinds: Of operators, for those whose kind alone needs memory.
  """
  blank = dict.fromkeys(('n_inputs', 'n_outputs', 'first_edge', 'steps', 'params'), 0)
  scratch = {'scratch': NONE, 'scratch_region': Region.WORKSPACE, 'scratch_bytes': 0}
  return HEADER.pack(
    magic=MAGIC,
    version=VERSION,
    program_bytes=HEADER.size + OP.size * len(kinds),
    workspace_bytes=workspace_bytes,
    state_bytes=state_bytes,
    ops=HEADER.size,
    n_ops=len(kinds),
  ) + b''.join(OP.pack(kind=kind, **blank, **scratch) for kind in kinds)


@dataclasses.dataclass(frozen=True)
class EncodedStage:
  """The two constant tensors of a stage operator."""

  program: bytes
  constants: bytes


@dataclasses.dataclass(frozen=True, eq=False)
class ProgramMap:
  """A map before encoding; the values of one in the constants give it its offset there."""

  entry: MapEntry
  constant: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class ProgramOp:
  """An operator before encoding; `params` is None for kinds without parameters."""

  kind: Kind
  inputs: Sequence[int]
  outputs: Sequence[int]
  steps: int
  params: Params | None = None
  scratch: int = NONE
  scratch_region: int = Region.WORKSPACE
  scratch_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class ProgramSegment:
  """A segment before encoding: its operators are consecutive."""

  first_op: int
  n_ops: int
  steps: Sequence[tuple[int, int, int]]  # operator within the segment, row, count


@dataclasses.dataclass(frozen=True, eq=False)
class Program:
  """A program before encoding.

  Attributes:
    n_inputs, n_outputs: Tensors of the stage.
    maps, ops: The tables; operators in execution order.
    segments: Consecutive segments covering `ops`.
    workspace_bytes, state_bytes, fast_bytes: Sizes of these regions, multiples of 16.
    family: Kernel family that the constants are packed for.
  """

  n_inputs: int
  n_outputs: int
  maps: Sequence[ProgramMap]
  ops: Sequence[ProgramOp]
  segments: Sequence[ProgramSegment]
  workspace_bytes: int
  state_bytes: int = 0
  fast_bytes: int = 0
  family: int = FAMILY_PORTABLE


def encode(program: Program) -> EncodedStage:
  """The bytes of a program (a multiple of 4) and of its constants."""
  pool = ConstantPool()
  maps = [_map(entry, pool) for entry in program.maps]
  edges = [m for op in program.ops for m in (*op.inputs, *op.outputs)]
  n_steps = sum(len(segment.steps) for segment in program.segments)
  maps_at = HEADER.size
  ops_at = maps_at + MAP.size * len(maps)
  edges_at = ops_at + OP.size * len(program.ops)
  segments_at = edges_at + (2 * len(edges) + 3) // 4 * 4
  steps_at = segments_at + SEGMENT.size * len(program.segments)
  op_table, params = _ops(program.ops, pool, steps_at + STEP.size * n_steps)
  constants = pool.finish()
  body = bytearray()
  body += HEADER.pack(
    magic=MAGIC,
    version=VERSION,
    family=program.family,
    constants_bytes=len(constants),
    workspace_bytes=program.workspace_bytes,
    state_bytes=program.state_bytes,
    fast_bytes=program.fast_bytes,
    n_inputs=program.n_inputs,
    n_outputs=program.n_outputs,
    n_maps=len(maps),
    n_ops=len(program.ops),
    n_edges=len(edges),
    n_segments=len(program.segments),
    n_steps=n_steps,
    maps=maps_at,
    ops=ops_at,
    edges=edges_at,
    segments=segments_at,
    steps=steps_at,
  )
  body += b''.join(maps)
  body += op_table
  body += struct.pack(f'<{len(edges)}H', *edges)
  body += bytes(-len(body) % 4)
  body += _segments(program.segments)
  body += params
  return EncodedStage(finish(body), constants)


def _map(program_map: ProgramMap, pool: ConstantPool) -> bytes:
  fields = dict(scalars(program_map.entry))
  if program_map.constant is not None:
    fields['offset'] = pool.add(program_map.constant, alignment=ALIGNMENT)
  return MAP.pack(**fields)


def encode_params(params: Params | None, pool: ConstantPool) -> bytes:
  """An operator's parameter record; its arrays go to the constants."""
  return b'' if params is None else record_of(type(params)).pack(**_values(params, pool))


def _values(params: Any, pool: ConstantPool, prefix: str = '') -> dict[str, Any]:
  values: dict[str, Any] = {}
  for field, kind in field_types(type(params)):
    value = getattr(params, field.name)
    if isinstance(value, Deferred):
      value = value.get()
    if kind.nested is not None:
      values.update(_values(value, pool, f'{prefix}{field.name}.'))
    elif kind.optional and value is None:
      values[prefix + kind.name] = NONE
    elif kind.stored_as is not None:
      assert value is not None, field.name
      stored = value.astype(kind.stored_as) if kind.stored_as else value
      values[prefix + kind.name] = pool.add(stored, kind.alignment)
    else:
      values[prefix + field.name] = value
  return values


def _ops(ops: Sequence[ProgramOp], pool: ConstantPool, params_base: int) -> tuple[bytes, bytes]:
  """The table of operators and their parameter records, which begin at params_base."""
  table, params = bytearray(), bytearray()
  params_at: dict[bytes, int] = {}
  first_edge = 0
  for op in ops:
    record = encode_params(op.params, pool)
    # Equal records (of equal operators) are stored once.
    if record not in params_at:
      params_at[record] = params_base + len(params)
      params += record + bytes(-len(record) % 4)
    table += OP.pack(
      kind=op.kind,
      n_inputs=len(op.inputs),
      n_outputs=len(op.outputs),
      first_edge=first_edge,
      steps=op.steps,
      params=params_at[record],
      scratch=op.scratch,
      scratch_region=op.scratch_region,
      scratch_bytes=op.scratch_bytes,
    )
    first_edge += len(op.inputs) + len(op.outputs)
  return bytes(table), bytes(params)


def _segments(segments: Sequence[ProgramSegment]) -> bytes:
  """The tables of segments and of their steps."""
  table, steps = bytearray(), bytearray()
  first_step = 0
  for segment in segments:
    table += SEGMENT.pack(
      first_op=segment.first_op,
      n_ops=segment.n_ops,
      first_step=first_step,
      n_steps=len(segment.steps),
    )
    first_step += len(segment.steps)
    for op_index, row, count in segment.steps:
      steps += STEP.pack(op=op_index, count=count, row=row)
  return bytes(table + steps)
