# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Windows in the state that lie one behind the other, and are moved together.

When a window has been read its oldest rows are not needed any more. The new rows of the next
window, which are made from what was read, may be written over them, where that window ends there.
So only one place for new rows is held for all such windows. The first of them moves all down,
once an invocation (APPEND in program.h).
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import StageGraph, StageOp
from tflm_patch.planner.schedule import order
from tflm_patch.program.kinds import Role
from tflm_patch.program.params import AppendParams
from tflm_patch.program.records import Kind


def stacked(graph: StageGraph) -> StageGraph:
  """The graph with windows of one row size in chains, where each is made from the one before.

  What windows hold before they are filled is not that of SLIDE: for stages with HOP alone.
  """
  below: dict[int, int] = {}  # of a window, the one that it ends in
  for op in graph.ops:
    following = _following(graph, op)
    if following is not None:
      below[following] = op.outputs[0]
  if not below:
    return graph
  members = {*below, *below.values()}
  maps = [dataclasses.replace(m, below=below.get(i)) for i, m in enumerate(graph.maps)]
  ops = [
    dataclasses.replace(op, kind=Kind.APPEND, params=AppendParams())
    if op.kind is Kind.SLIDE and op.outputs[0] in members
    else op
    for op in graph.ops
  ]
  return StageGraph(tuple(maps), tuple(ops), graph.inputs, graph.outputs)


def _following(graph: StageGraph, slide: StageOp) -> int | None:
  """The window whose new rows are made, row by row, from the one that an operator makes."""
  if slide.kind is not Kind.SLIDE:
    return None
  window = slide.outputs[0]
  new = graph.maps[slide.inputs[0]].rows
  op = _only_reader(graph, window)
  # Row r of what comes next is written when rows 0 .. r have been read for the last time.
  if op is None or op.spec.role is not Role.COMPUTE or op.steps != new:
    return None
  if np.any(op.reads[op.inputs.index(window)].first < np.arange(new)):
    return None
  while True:
    if len(op.outputs) != 1 or op.accumulates:
      return None
    made = op.outputs[0]
    following = _only_reader(graph, made)
    if following is None:
      return None
    if following.kind is Kind.SLIDE:
      same = graph.maps[following.outputs[0]].row_bytes == graph.maps[window].row_bytes
      return following.outputs[0] if same else None
    if following.spec.role is not Role.COMPUTE or not _is_row_by_row(following, made, new):
      return None
    op = following


def _only_reader(graph: StageGraph, m: int) -> StageOp | None:
  readers = order.consumers(graph).get(m, ())
  return graph.ops[readers[0]] if len(readers) == 1 and m not in graph.outputs else None


def _is_row_by_row(op: StageOp, m: int, count: int) -> bool:
  reads, same = op.reads[op.inputs.index(m)], rows.same_row(count, count)
  return (
    op.steps == count
    and np.array_equal(reads.first, same.first)
    and np.array_equal(reads.last, same.last)
  )
