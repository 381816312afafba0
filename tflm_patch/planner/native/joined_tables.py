# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The arrays of a stage put together from those of its parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tflm_patch.planner.ir.stage_graph import MapRole
from tflm_patch.planner.native.stage_tables import REUSED_INPUT, ROLES, StageArrays


@dataclasses.dataclass(frozen=True, eq=False)
class ChainPart:
  """Operators that read map 0 and what they make themselves.

  Attributes:
    of_ops: int32 [7, operators]: steps, accumulates, calls, kind, and how many inputs,
      outputs and ways to lie in place each has.
    scratch_bytes: Of each operator.
    of_maps: int32 [3, maps - 1]: rows, dtype and role of maps 1 and up.
    row_bytes: Of the same maps.
    input, output, in_place: As `StageArrays` has them.
    reads: int64 [2, reads]: first and last.
    end: The map that the next part reads as its map 0; not 0.
  """

  of_ops: np.ndarray
  scratch_bytes: np.ndarray
  of_maps: np.ndarray
  row_bytes: np.ndarray
  input: np.ndarray
  output: np.ndarray
  in_place: np.ndarray
  reads: np.ndarray
  end: int


def chain_part(arrays: StageArrays, end: int) -> ChainPart | None:
  """A stage with a single input, map 0, as a part of a longer one; None with views.

  Args:
    arrays: The stage.
    end: The map that the part ends with.
  """
  if end == 0 or np.any(arrays.view_base >= 0):
    return None
  counts = (np.diff(x) for x in (arrays.first_input, arrays.first_output, arrays.first_in_place))
  of_ops = (arrays.steps, arrays.accumulates, arrays.calls, arrays.kind, *counts)
  role = np.where(arrays.role == ROLES[MapRole.OUTPUT], ROLES[MapRole.INTERNAL], arrays.role)
  return ChainPart(
    np.stack(of_ops).astype(np.int32),
    arrays.scratch_bytes,
    np.stack([arrays.rows, arrays.dtype, role])[:, 1:].astype(np.int32),
    arrays.row_bytes[1:],
    arrays.input,
    arrays.output,
    arrays.in_place,
    np.stack([arrays.reads_first, arrays.reads_last]),
    end,
  )


def join_chain(parts: Sequence[ChainPart], rows: int, row_bytes: int, dtype: int) -> StageArrays:
  """The stage in which each part reads what the one before it ends with.

  Args:
    parts: At least one.
    rows, row_bytes, dtype: Of the stage's input, which may be overwritten.
  """
  bases, reads = [], []
  base = at = 0
  for part in parts:
    bases.append(base)
    reads.append(at)
    at = base + part.end
    base += len(part.row_bytes)
  of_ops = np.concatenate([part.of_ops for part in parts], axis=1)
  of_maps = np.concatenate([_NO_MAP, *(part.of_maps for part in parts)], axis=1)
  of_maps[:, 0] = rows, dtype, REUSED_INPUT
  of_maps[2, at] = ROLES[MapRole.OUTPUT]
  read_rows = np.concatenate([part.reads for part in parts], axis=1)
  inputs = np.concatenate([part.input for part in parts])
  lengths = [len(part.input) for part in parts]
  inputs = np.where(inputs > 0, inputs + np.repeat(bases, lengths), np.repeat(reads, lengths))
  outputs = np.concatenate([part.output for part in parts])
  outputs = outputs + np.repeat(bases, [len(part.output) for part in parts])
  begins = np.zeros((3, of_ops.shape[1] + 1), np.int32)
  np.cumsum(of_ops[4:], axis=1, out=begins[:, 1:])
  return StageArrays(
    steps=of_ops[0],
    accumulates=of_ops[1],
    calls=of_ops[2],
    kind=of_ops[3],
    scratch_bytes=np.concatenate([part.scratch_bytes for part in parts]),
    first_input=begins[0],
    input=inputs.astype(np.int32),
    reads_first=read_rows[0],
    reads_last=read_rows[1],
    first_output=begins[1],
    output=outputs.astype(np.int32),
    first_in_place=begins[2],
    in_place=np.concatenate([part.in_place for part in parts]),
    rows=of_maps[0],
    row_bytes=np.concatenate([np.array([row_bytes]), *(part.row_bytes for part in parts)]),
    dtype=of_maps[1],
    role=of_maps[2],
    view_base=np.full(of_maps.shape[1], -1, np.int32),
    view_top=np.zeros(of_maps.shape[1], np.int32),
  )


_NO_MAP = np.zeros((3, 1), np.int32)
