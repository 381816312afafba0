# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Executes a plan on memory that remembers, for every byte, what lies there.

It shares nothing with the planner but the plan: a row that is read must lie
there whole, unless the operator's output is declared to lie over its input.
"""

from __future__ import annotations

import numpy as np

from tflm_patch.planner.ir.stage_graph import MapRole
from tflm_patch.planner.stage_plan import StagePlan
from tflm_patch.program.records import PAUSE, Kind, Region

_SCRATCH = 1 << 40


class _Memory:
  """Regions of bytes, each with the mark of what was written to it last."""

  def __init__(self, plan: StagePlan) -> None:
    self._plan = plan
    graph = plan.graph
    self._regions = {
      int(Region.WORKSPACE): np.full(plan.workspace_bytes, -1, np.int64),
      int(Region.FAST): np.full(plan.fast_bytes, -1, np.int64),
      int(Region.STATE): np.full(plan.state_bytes, -1, np.int64),
    }
    for i, m in enumerate((*graph.inputs, *graph.outputs)):
      self._regions[Region.TENSOR + i] = np.full(graph.maps[m].bytes, -1, np.int64)

  def row(self, m: int, row: int) -> np.ndarray:
    """The bytes of a row."""
    place, feature_map = self._plan.maps[m], self._plan.graph.maps[m]
    slot = row % place.ring_rows
    if slot < place.split:
      region, at = place.region, place.offset + slot * place.row_bytes
    else:
      region = place.split_region
      at = place.split_offset + (slot - place.split) * place.row_bytes
    return self.part(region, at, feature_map.row_bytes)

  def part(self, region: int, at: int, size: int) -> np.ndarray:
    memory = self._regions[region]
    assert at >= 0 and at + size <= memory.size, 'outside of the region'
    return memory[at : at + size]


def _mark(plan: StagePlan, m: int, row: int) -> int:
  """Of a row; a view's is that of the map that it lies in."""
  view = plan.graph.maps[m].view
  return m << 20 | row if view is None else _mark(plan, view.base, row + view.top)


def check_memory(plan: StagePlan) -> None:
  """Fails when a step reads what is not there any more."""
  graph = plan.graph
  memory = _Memory(plan)
  # What is kept was written by the call before.
  kept = [m for m, each in enumerate(graph.maps) if each.role is MapRole.KEPT and each.view is None]
  for m in (*graph.inputs, *kept):
    for row in range(graph.maps[m].rows):
      memory.row(m, row)[:] = _mark(plan, m, row)
  made: dict[int, int] = {}
  for segment in plan.segments:
    for i, first, count in segment.steps:
      if i == PAUSE and count == 0:
        continue
      for step in range(first, first + count):
        _check_step(plan, memory, i, step, made)
  for m in graph.outputs:
    for row in range(graph.maps[m].rows):
      wanted = _mark(plan, m, row)
      assert (memory.row(m, row) == wanted).all(), f'output {m} is damaged in row {row}'


def _check_step(plan: StagePlan, memory: _Memory, i: int, step: int, made: dict[int, int]) -> None:
  graph = plan.graph
  op = graph.ops[i]
  assert made.get(i, 0) == step
  made[i] = step + 1
  scratch = plan.scratch[i]
  if scratch is not None:
    sums = memory.part(scratch.region, scratch.offset, scratch.bytes)
    is_kept = op.keeps_scratch and step > 0
    assert not is_kept or (sums == _SCRATCH + i).all(), f'the sums of {op.name} are damaged'
    sums[:] = _SCRATCH + i
  if op.kind in (Kind.CROP, Kind.JOIN):
    return
  read = []
  for k, (m, reads) in enumerate(zip(op.inputs, op.reads)):
    if graph.maps[m].role == MapRole.CONSTANT or op.kind == Kind.FEED:
      continue
    for row in range(int(reads.first[step]), int(reads.last[step]) + 1):
      values = memory.row(m, row)
      there = (values == _mark(plan, m, row)).all()
      assert there, f'{op.name} step {step}: row {row} of map {m} is gone'
      read.append((k, row, values))
  if op.accumulates and step + 1 < op.steps:
    return
  for m in op.outputs:
    rows = range(graph.maps[m].rows) if op.accumulates else (step,)
    for row in rows:
      values = memory.row(m, row)
      for k, source, taken in read:
        if np.shares_memory(values, taken):
          _check_in_place(op, k, source, row, values, taken)
      assert scratch is None or not np.shares_memory(values, sums), 'sums are overwritten'
      values[:] = _mark(plan, m, row)


def _check_in_place(op, k, source, row, values, taken) -> None:
  ways = [how for how in op.in_place if how.input == k]
  assert ways, f'{op.name} writes over what it reads'
  how = ways[0]
  distance = taken.__array_interface__['data'][0] - values.__array_interface__['data'][0]
  assert distance == how.gap_bytes * values.itemsize, f'{op.name} lies {distance} bytes before'
  assert source == row * how.row_step - how.row_shift, f'{op.name} lies over row {source}'
