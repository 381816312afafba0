# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""When each row of each map is alive: from the step that makes it to its last reader.

Time is the index of a step in a list of steps. Rows are made in order, and a
row counts as alive at least as long as the rows before it, so both arrays of a
`LiveRanges` never decrease; what overlaps in time is then a range of rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from tflm_patch.planner.ir.stage_graph import RowReads, StageGraph, per_graph
from tflm_patch.planner.schedule.order import Step, producers
from tflm_patch.program.kinds import Role


@dataclasses.dataclass(frozen=True, eq=False)
class LiveRanges:
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
    operators = np.fromiter(map(itemgetter(0), steps), np.int64, len(steps))
    by_operator = np.argsort(operators, kind='stable')
    starts = np.flatnonzero(np.diff(operators[by_operator], prepend=-1))
    # Steps of an operator are in order, so entry t is the time of its step t. Behind
    # each operator's steps there is a -1: the time of step -1.
    times = np.insert(by_operator, np.append(starts[1:], self.length), -1)
    begins = starts + np.arange(starts.size)
    ends = np.append(begins[1:], times.size)
    self._times = {
      i: times[begin:end]
      for i, begin, end in zip(
        operators[by_operator[starts]].tolist(), begins.tolist(), ends.tolist()
      )
    }

  def runs(self, operator: int) -> bool:
    return operator in self._times

  def span(self, operator: int) -> tuple[int, int]:
    """Times of an operator's first and last step."""
    times = self._times[operator]
    return int(times[0]), int(times[-2])

  def made(self, m: int) -> np.ndarray:
    """Times at which a map's rows are made, the first part of them that is.

    -1 for what is there before the first step, `length` for what is made after
    the last one.
    """
    producer = producers(self._graph).get(m)
    rows = self._graph.maps[m].rows
    if producer is not None and self._graph.ops[producer].spec.role is Role.WHOLE:
      made = np.full(rows, self.length, np.int64)
      for part in self._graph.ops[producer].inputs:
        inside = self._inside(part)
        made[inside] = np.minimum(made[inside], self.made(part))
      return np.minimum.accumulate(made[::-1])[::-1]
    if producer is None or producer not in self._times:
      after = producer is not None and self._times and producer > max(self._times)
      return np.full(rows, self.length if after else -1, np.int64)
    times = self._times[producer]
    if self._graph.ops[producer].accumulates:
      return np.full(rows, times[-2], np.int64)
    return times[:-1]

  def made_whole(self, m: int) -> np.ndarray:
    """The same, the last part of the rows that is made."""
    producer = producers(self._graph).get(m)
    if producer is None or self._graph.ops[producer].spec.role is not Role.WHOLE:
      return self.made(m)
    made = np.full(self._graph.maps[m].rows, -1, np.int64)
    for part in self._graph.ops[producer].inputs:
      inside = self._inside(part)
      made[inside] = np.maximum(made[inside], self.made(part))
    return made

  def last_read(self, m: int) -> np.ndarray:
    """Times at which a map's rows are read last; -1 for those that nobody reads."""
    last = self._last_read_itself(m)
    maker = producers(self._graph).get(m)
    if maker is None or self._graph.ops[maker].spec.role is not Role.WHOLE:
      return last
    # What lies in a part is read where somebody reads the part by itself, too.
    for part in self._graph.ops[maker].inputs:
      inside = self._inside(part)
      last[inside] = np.maximum(last[inside], self._last_read_itself(part, besides=maker))
    return last

  def _last_read_itself(self, m: int, besides: int = -1) -> np.ndarray:
    """Of the reads of the map, without those of one operator."""
    last = np.full(self._graph.maps[m].rows, -1, np.int64)
    for reading in _readings(self._graph)[m]:
      if reading.inside is not None:
        last[reading.inside] = np.maximum(last[reading.inside], self.last_read(reading.part))
      elif reading.op in self._times and reading.op != besides:
        last = np.maximum(last, self._times[reading.op][reading.steps])
    return last

  def _inside(self, part: int) -> slice:
    """The rows of its base that a part takes."""
    feature_map = self._graph.maps[part]
    assert feature_map.view is not None
    return slice(feature_map.view.top, feature_map.view.top + feature_map.rows)


def live_ranges_of(made: np.ndarray, last_read: np.ndarray) -> LiveRanges:
  """Lives of rows that are made and read at the given times."""
  made = np.maximum.accumulate(made)
  return LiveRanges(made, np.maximum.accumulate(np.maximum(last_read, made)))


@dataclasses.dataclass(frozen=True, eq=False)
class _Reading:
  """An operator that reads a map.

  Attributes:
    op: The operator.
    steps: The last step at which each row is read, -1 for none.
    inside: Of a CROP, which reads nothing itself: the rows that lie in its part.
    part: That part, a map.
  """

  op: int
  steps: np.ndarray
  inside: slice | None = None
  part: int = -1


@per_graph
def _readings(graph: StageGraph) -> tuple[tuple[_Reading, ...], ...]:
  """Of each map, who reads it."""
  found: list[list[_Reading]] = [[] for _ in graph.maps]
  for i, op in enumerate(graph.ops):
    if op.spec.role is Role.PART:
      part = op.outputs[0]
      view = graph.maps[part].view
      assert view is not None
      inside = slice(view.top, view.top + op.steps)
      found[op.inputs[0]].append(_Reading(i, np.empty(0), inside, part))
      continue
    for m, reads in zip(op.inputs, op.reads):
      found[m].append(_Reading(i, _last_steps(reads, graph.maps[m].rows)))
  return tuple(map(tuple, found))


def _last_steps(reads: RowReads, rows: int) -> np.ndarray:
  # The oldest row that is needed from each step on; row r is free when that is above r.
  first = np.where(reads.first <= reads.last, reads.first, rows)
  oldest = np.minimum.accumulate(first[::-1])[::-1]
  return np.searchsorted(oldest, np.arange(rows), side='right') - 1
