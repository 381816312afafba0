# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A stage's program, read back from its bytes."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Mapping
from typing import Any

from tflm_patch.program import records as program
from tflm_patch.program.records import Kind, Region


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
    workspace_bytes: A multiple of 16.
    family: The kernels that the constants are packed for.
    maps, ops: The tables.
    segments: Steps of each segment; operators count through the whole program.
    constants: The constants' bytes.
  """

  n_inputs: int
  n_outputs: int
  workspace_bytes: int
  family: int
  maps: tuple[Map, ...]
  ops: tuple[Op, ...]
  segments: tuple[tuple[Step, ...], ...]
  constants: bytes

  @property
  def pauses(self) -> int:
    return sum(step.op is None for segment in self.segments for step in segment)


def decode(data: bytes, constants: bytes) -> Stage:
  """Reads a program.

  Args:
    data: Of the program tensor.
    constants: Of the constants tensor.

  Raises:
    ValueError: the bytes are no program of this format.
  """
  try:
    return _decode(data, constants)
  except (struct.error, IndexError, KeyError) as error:
    raise ValueError('the stage program is damaged') from error


def _decode(data: bytes, constants: bytes) -> Stage:
  header = program.HEADER.unpack(data)
  if header['magic'] != program.MAGIC or header['version'] != program.VERSION:
    raise ValueError(
        f'the stage program has version {header["version"]}, this is for {program.VERSION}'
    )
  maps = tuple(
      _map(index, program.MAP.unpack(data, header['maps'] + program.MAP.size * index))
      for index in range(header['n_maps'])
  )
  edges = struct.unpack_from(f'<{header["n_edges"]}H', data, header['edges'])
  ops = tuple(
      _op(index, data, header['ops'] + program.OP.size * index, maps, edges)
      for index in range(header['n_ops'])
  )
  segments = tuple(
      _segment(data, header['segments'] + program.SEGMENT.size * index, header['steps'], len(ops))
      for index in range(header['n_segments'])
  )
  return Stage(
      header['n_inputs'], header['n_outputs'], header['workspace_bytes'], header['family'],
      maps, ops, segments, constants,
  )  # fmt: skip


def _map(index: int, fields: dict[str, Any]) -> Map:
  names = [field.name for field in dataclasses.fields(Map) if field.name != 'index']
  return Map(index, **{name: fields[name] for name in names})


def _op(
    index: int,
    data: bytes,
    at: int,
    maps: tuple[Map, ...],
    edges: tuple[int, ...],
) -> Op:
  fields = program.OP.unpack(data, at)
  if fields['kind'] not in list(Kind):
    raise ValueError(f'the stage program has an operator of kind {fields["kind"]}, unknown here')
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


def _segment(data: bytes, at: int, steps_at: int, n_ops: int) -> tuple[Step, ...]:
  fields = program.SEGMENT.unpack(data, at)
  steps = []
  for i in range(fields['first_step'], fields['first_step'] + fields['n_steps']):
    step = program.STEP.unpack(data, steps_at + program.STEP.size * i)
    if step['op'] == program.PAUSE:
      steps.append(Step(None, 0, 0))
      continue
    op = fields['first_op'] + step['op']
    if op >= n_ops:
      raise IndexError(op)
    steps.append(Step(op, step['row'], step['count']))
  return tuple(steps)


def tensor_of(region: int) -> int | None:
  """Which of the stage's tensors, inputs then outputs, a region is; None for other regions."""
  return region - Region.TENSOR if region >= Region.TENSOR else None
