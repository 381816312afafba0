# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Stage programs as bytes: tables of records under a header with a checksum."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Sequence

import numpy as np

from tflm_patch.program.records import (
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
  struct.pack_into(
      '<I', body, HEADER.offset('checksum'), checksum(bytes(body[CHECKSUM_FROM:]))
  )
  return bytes(body)


def is_fed_by_bands(data: bytes) -> bool:
  """tflm_patch_is_fed_by_bands; False for what is no program."""
  if len(data) < HEADER.size:
    return False
  header = HEADER.unpack(data)
  end = header['ops'] + OP.size * header['n_ops']
  kinds = data[header['ops'] : end : OP.size] if end <= len(data) else b''
  return Kind.FEED in kinds


@dataclasses.dataclass(frozen=True)
class OpRecord:
  """An operator before encoding; see `encode`."""

  kind: int
  inputs: Sequence[int]
  outputs: Sequence[int]
  steps: int
  params: bytes
  scratch: int = NONE
  scratch_region: int = Region.WORKSPACE
  scratch_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class SegmentRecord:
  """A segment before encoding: its operators are consecutive."""

  first_op: int
  n_ops: int
  steps: Sequence[tuple[int, int, int]]  # operator within the segment, row, count


def encode(
    *,
    n_inputs: int,
    n_outputs: int,
    maps: Sequence[dict[str, int]],
    ops: Sequence[OpRecord],
    segments: Sequence[SegmentRecord],
    constants_bytes: int,
    workspace_bytes: int,
    family: int = FAMILY_PORTABLE,
) -> bytes:
  """Encodes a program.

  Args:
    n_inputs, n_outputs: Tensors of the stage.
    maps: Fields of MAP by name.
    ops: Operators in execution order.
    segments: Consecutive segments covering `ops`.
    constants_bytes: Size of the constants.
    workspace_bytes: Size of the workspace, a multiple of 16.
    family: Kernel family that the constants are packed for.

  Returns:
    The program's bytes, a multiple of 4 long.
  """
  edges: list[int] = []
  op_table = bytearray()
  params = bytearray()
  params_at: dict[bytes, int] = {}
  n_steps = sum(len(segment.steps) for segment in segments)
  n_edges = sum(len(op.inputs) + len(op.outputs) for op in ops)
  maps_at = HEADER.size
  ops_at = maps_at + MAP.size * len(maps)
  edges_at = ops_at + OP.size * len(ops)
  segments_at = edges_at + (2 * n_edges + 3) // 4 * 4
  steps_at = segments_at + SEGMENT.size * len(segments)
  params_base = steps_at + STEP.size * n_steps
  for op in ops:
    first_edge = len(edges)
    edges += [*op.inputs, *op.outputs]
    # Equal records (of equal operators) are stored once.
    if op.params not in params_at:
      params_at[op.params] = params_base + len(params)
      params += op.params + bytes(-len(op.params) % 4)
    op_table += OP.pack(
        kind=op.kind,
        n_inputs=len(op.inputs),
        n_outputs=len(op.outputs),
        first_edge=first_edge,
        steps=op.steps,
        params=params_at[op.params],
        scratch=op.scratch,
        scratch_region=op.scratch_region,
        scratch_bytes=op.scratch_bytes,
    )
  segment_table = bytearray()
  step_table = bytearray()
  first_step = 0
  for segment in segments:
    segment_table += SEGMENT.pack(
        first_op=segment.first_op,
        n_ops=segment.n_ops,
        first_step=first_step,
        n_steps=len(segment.steps),
    )
    first_step += len(segment.steps)
    for op_index, row, count in segment.steps:
      step_table += STEP.pack(op=op_index, count=count, row=row)
  body = bytearray()
  body += HEADER.pack(
      magic=MAGIC,
      version=VERSION,
      family=family,
      constants_bytes=constants_bytes,
      workspace_bytes=workspace_bytes,
      n_inputs=n_inputs,
      n_outputs=n_outputs,
      n_maps=len(maps),
      n_ops=len(ops),
      n_edges=n_edges,
      n_segments=len(segments),
      n_steps=n_steps,
      maps=maps_at,
      ops=ops_at,
      edges=edges_at,
      segments=segments_at,
      steps=steps_at,
  )
  for fields in maps:
    body += MAP.pack(**fields)
  body += op_table
  body += struct.pack(f'<{len(edges)}H', *edges)
  body += bytes(-len(body) % 4)
  body += segment_table
  body += step_table
  assert len(body) == params_base
  body += params
  return finish(body)
