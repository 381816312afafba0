# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""When each row of each map is alive: from the step that makes it to its last reader.

Time is the index of a step in a list of steps. Rows are made in order, and a
row counts as alive at least as long as the rows before it, so both arrays of a
`RowLives` never decrease; what overlaps in time is then a range of rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tflm_patch.planner.order import Step, consumers, producers
from tflm_patch.planner.program import Kind
from tflm_patch.planner.stage_ir import RowReads, StageGraph


@dataclasses.dataclass(frozen=True, eq=False)
class RowLives:
  """Row r is alive from time made[r] to last[r], both included."""

  made: np.ndarray
  last: np.ndarray

  @property
  def first_time(self) -> int:
    return int(self.made[0])

  @property
  def last_time(self) -> int:
    return int(self.last[-1])


class Timeline:
  """When the operators of a list of steps run.

  Attributes:
    length: Number of steps.
  """

  def __init__(self, graph: StageGraph, steps: Sequence[Step]) -> None:
    self._graph = graph
    self.length = len(steps)
    operators = np.fromiter((i for i, _ in steps), np.int64, len(steps))
    by_operator = np.argsort(operators, kind='stable')
    present, starts = np.unique(operators[by_operator], return_index=True)
    parts = np.split(by_operator, starts[1:])
    # Steps of an operator are in order, so entry t is the time of its step t.
    self._times = dict(zip(present.tolist(), parts))

  def runs(self, operator: int) -> bool:
    return operator in self._times

  def span(self, operator: int) -> tuple[int, int]:
    """Times of an operator's first and last step."""
    times = self._times[operator]
    return int(times[0]), int(times[-1])

  def made(self, m: int) -> np.ndarray:
    """Times at which a map's rows are made, the first part of them that is.

    -1 for what is there before the first step, `length` for what is made after
    the last one.
    """
    producer = producers(self._graph).get(m)
    rows = self._graph.maps[m].rows
    if producer is not None and self._graph.ops[producer].kind == Kind.JOIN:
      made = np.full(rows, self.length, np.int64)
      for part in self._graph.ops[producer].inputs:
        view = self._graph.maps[part].view
        assert view is not None
        inside = slice(view.top, view.top + self._graph.maps[part].rows)
        made[inside] = np.minimum(made[inside], self.made(part))
      return np.minimum.accumulate(made[::-1])[::-1]
    if producer is None or producer not in self._times:
      after = producer is not None and self._times and producer > max(self._times)
      return np.full(rows, self.length if after else -1, np.int64)
    times = self._times[producer]
    if self._graph.ops[producer].accumulates:
      return np.full(rows, times[-1], np.int64)
    return times

  def last_read(self, m: int) -> np.ndarray:
    """Times at which a map's rows are read last; -1 for those that nobody reads."""
    rows = self._graph.maps[m].rows
    last = np.full(rows, -1, np.int64)
    for reader in consumers(self._graph).get(m, ()):
      op = self._graph.ops[reader]
      if reader not in self._times and op.kind != Kind.CROP:
        continue
      if op.kind == Kind.CROP:
        view = self._graph.maps[op.outputs[0]].view
        assert view is not None
        inside = slice(view.top, view.top + op.steps)
        last[inside] = np.maximum(last[inside], self.last_read(op.outputs[0]))
        continue
      for source, reads in zip(op.inputs, op.reads):
        if source == m:
          last = np.maximum(last, _last_read(reads, self._times[reader], rows))
    return last


def row_lives(made: np.ndarray, last_read: np.ndarray) -> RowLives:
  """Lives of rows that are made and read at the given times."""
  made = np.maximum.accumulate(made)
  return RowLives(made, np.maximum.accumulate(np.maximum(last_read, made)))


def _last_read(reads: RowReads, times: np.ndarray, rows: int) -> np.ndarray:
  # The oldest row that is needed from each step on; row r is free when that is above r.
  first = np.where(reads.first <= reads.last, reads.first, rows)
  oldest = np.minimum.accumulate(first[::-1])[::-1]
  step = np.searchsorted(oldest, np.arange(rows), side='right') - 1
  return np.where(step >= 0, times[np.maximum(step, 0)], -1)
