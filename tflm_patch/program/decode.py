# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A stage's program, read back from its bytes."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Mapping
from typing import Any

from tflm_patch.program import records as program
from tflm_patch.program.records import Header, Kind, Region


class ProgramError(ValueError):
  """Bytes are no program of this format; the message says why."""


@dataclasses.dataclass(frozen=True)
class Map:
  """A feature map; the fields of `tflm_patch_map` that code depends on.

  Attributes:
    index: In the program's table.
    rows, cols, channels: Its shape.
    ring_rows: How many of its last rows are kept.
    row_bytes: From a row to the next, negative when they go down in memory.
    region, offset: Where its first slots lie.
    split: The first slot that lies at the second place.
    split_region, split_offset: Where that is.
    type: A value of `program.TYPE_CODES`.
    zero_point: What padding reads.
  """

  index: int
  rows: int
  cols: int
  channels: int
  ring_rows: int
  row_bytes: int
  region: int
  offset: int
  split: int
  split_region: int
  split_offset: int
  type: int
  zero_point: int

  @property
  def row_values(self) -> int:
    return self.cols * self.channels


@dataclasses.dataclass(frozen=True, eq=False)
class Op:
  """An operator: its maps, and the fields of its parameter record by name."""

  index: int
  kind: Kind
  inputs: tuple[Map, ...]
  outputs: tuple[Map, ...]
  steps: int
  params: Mapping[str, Any]
  scratch: tuple[int, int] | None  # region and offset
  scratch_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class Step:
  """Rows [row, row + count) of an operator; operator None is a pause for the next band."""

  op: int | None
  row: int
  count: int


@dataclasses.dataclass(frozen=True, eq=False)
class Stage:
  """A program.

  Attributes:
    n_inputs, n_outputs: Tensors.
    workspace_bytes, state_bytes, fast_bytes: Multiples of 16.
    family: The kernels that the constants are packed for.
    maps, ops: The tables.
    segments: Steps of each segment; operators count through the whole program.
    constants: The constants' bytes.
  """

  n_inputs: int
  n_outputs: int
  workspace_bytes: int
  state_bytes: int
  fast_bytes: int
  family: int
  maps: tuple[Map, ...]
  ops: tuple[Op, ...]
  segments: tuple[tuple[Step, ...], ...]
  constants: bytes

  @property
  def pauses(self) -> int:
    return sum(step.op is None for segment in self.segments for step in segment)

  @property
  def kept_maps(self) -> tuple[Map, ...]:
    """Whose rows stay from one invocation to the next."""
    return tuple(m for m in self.maps if m.region == Region.STATE)

  @property
  def kinds(self) -> frozenset[Kind]:
    """Of its operators."""
    return frozenset(op.kind for op in self.ops)

  @property
  def hop_invocations(self) -> int | None:
    """How many invocations fill the window that the stage looks at; None without HOP."""
    found = (op.params['invocations'] for op in self.ops if op.kind == Kind.HOP)
    return next(found, None)

  @property
  def frame_rows(self) -> int | None:
    """Rows of the frame that its first input brings in bands; None when it brings all at once."""
    frames = (op.outputs[0].rows for op in self.ops if op.kind == Kind.FEED and op.outputs)
    return next(frames, None)


def header(data: bytes) -> Header:
  """The header of a program.

  Args:
    data: Of the program tensor.

  Raises:
    ProgramError: the bytes are no program of this format.
  """
  if len(data) < program.HEADER.size:
    raise ProgramError('the stage program is damaged')
  found = Header(**program.HEADER.unpack(data))
  if found.magic != program.MAGIC:
    raise ProgramError('the stage program is damaged')
  if found.version != program.VERSION:
    raise ProgramError(
      f'the stage program has format version {found.version}, this tflm-patch reads '
      f'{program.VERSION}'
    )
  if found.program_bytes != len(data):
    raise ProgramError('the stage program is damaged')
  return found


def is_fed_by_bands(data: bytes) -> bool:
  """tflm_patch_is_fed_by_bands; False for what is no program."""
  try:
    found = header(data)
  except ProgramError:
    return False
  end = found.ops + program.OP.size * found.n_ops
  kinds = data[found.ops : end : program.OP.size] if end <= len(data) else b''
  return Kind.FEED in kinds


def hop_invocations(data: bytes) -> int | None:
  """How many invocations fill the window of a program with HOP; None for all others."""
  try:
    found = header(data)
    for index in range(found.n_ops):
      fields = program.OP.unpack(data, found.ops + program.OP.size * index)
      if fields['kind'] == Kind.HOP:
        return int(program.PARAMETERS[Kind.HOP].unpack(data, fields['params'])['invocations'])
  except (ProgramError, struct.error):
    pass
  return None


def decode(data: bytes, constants: bytes) -> Stage:
  """Reads a program.

  Args:
    data: Of the program tensor.
    constants: Of the constants tensor.

  Raises:
    ProgramError: the bytes are no program of this format.
  """
  try:
    return _decode(data, constants)
  except (struct.error, IndexError, KeyError) as error:
    raise ProgramError('the stage program is damaged') from error


def _decode(data: bytes, constants: bytes) -> Stage:
  head = header(data)
  maps = tuple(
    _map(index, program.MAP.unpack(data, head.maps + program.MAP.size * index))
    for index in range(head.n_maps)
  )
  edges = struct.unpack_from(f'<{head.n_edges}H', data, head.edges)
  ops = tuple(
    _op(index, data, head.ops + program.OP.size * index, maps, edges) for index in range(head.n_ops)
  )
  return Stage(
    n_inputs=head.n_inputs,
    n_outputs=head.n_outputs,
    workspace_bytes=head.workspace_bytes,
    state_bytes=head.state_bytes,
    fast_bytes=head.fast_bytes,
    family=head.family,
    maps=maps,
    ops=ops,
    segments=_segments(data, head),
    constants=constants,
  )


def _map(index: int, fields: dict[str, Any]) -> Map:
  names = [field.name for field in dataclasses.fields(Map) if field.name != 'index']
  return Map(index, **{name: fields[name] for name in names})


def _op(index: int, data: bytes, at: int, maps: tuple[Map, ...], edges: tuple[int, ...]) -> Op:
  fields = program.OP.unpack(data, at)
  if fields['kind'] not in list(Kind):
    raise ProgramError(
      f'the stage program has an operator of kind {fields["kind"]}, unknown to this tflm-patch'
    )
  kind = Kind(fields['kind'])
  record = program.PARAMETERS.get(kind)
  first, n_inputs = fields['first_edge'], fields['n_inputs']
  end = first + n_inputs + fields['n_outputs']
  operands = tuple(maps[edges[i]] for i in range(first, end))
  has_scratch = fields['scratch'] != program.NONE
  return Op(
    index=index,
    kind=kind,
    inputs=operands[:n_inputs],
    outputs=operands[n_inputs:],
    steps=fields['steps'],
    params={} if record is None else record.unpack(data, fields['params']),
    scratch=(fields['scratch_region'], fields['scratch']) if has_scratch else None,
    scratch_bytes=fields['scratch_bytes'],
  )


def _segments(data: bytes, head: Header) -> tuple[tuple[Step, ...], ...]:
  """Steps of each segment; segments follow each other, so no step is read twice."""
  segments = []
  next_step = 0
  for index in range(head.n_segments):
    fields = program.SEGMENT.unpack(data, head.segments + program.SEGMENT.size * index)
    if fields['first_step'] != next_step:
      raise IndexError(fields['first_step'])
    next_step += fields['n_steps']
    segments.append(
      tuple(
        _step(data, head.steps + program.STEP.size * i, fields['first_op'], head.n_ops)
        for i in range(fields['first_step'], next_step)
      )
    )
  return tuple(segments)


def _step(data: bytes, at: int, first_op: int, n_ops: int) -> Step:
  step = program.STEP.unpack(data, at)
  if step['op'] == program.PAUSE:
    return Step(None, 0, 0)
  op = first_op + step['op']
  if op >= n_ops:
    raise IndexError(op)
  return Step(op, step['row'], step['count'])


def tensor_of(region: int) -> int | None:
  """Which of the stage's tensors, inputs then outputs, a region is; None for other regions."""
  return region - Region.TENSOR if region >= Region.TENSOR else None
