# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The demand-driven order of a streamed segment, and the rings that it needs.

To make row r of the last operator, the rows that it reads are made first,
recursively, each no earlier than needed. The order is fixed, so ring heights
are not guessed: they are the largest span between the oldest row that some
reader still needs and the newest row made.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence

import numpy as np

from tflm_patch.planner.program import Kind
from tflm_patch.planner.stage_ir import StageGraph

Step = tuple[int, int]  # operator (index in the stage), step


@dataclasses.dataclass(frozen=True)
class Order:
  """A simulated segment.

  Attributes:
    steps: Every step of every operator of the segment, in execution order.
    heights: Rows that a ring of each map must hold, for every map that is made
      in the segment or was declared `on_demand`.
  """

  steps: tuple[Step, ...]
  heights: dict[int, int]


@functools.lru_cache(maxsize=64)
def producers(graph: StageGraph) -> dict[int, int]:
  """Map index -> operator that makes it."""
  return {m: i for i, op in enumerate(graph.ops) for m in op.outputs}


@functools.lru_cache(maxsize=64)
def consumers(graph: StageGraph) -> dict[int, tuple[int, ...]]:
  """Map index -> operators that read it."""
  readers: dict[int, list[int]] = {}
  for i, op in enumerate(graph.ops):
    for m in set(op.inputs):
      readers.setdefault(m, []).append(i)
  return {m: tuple(r) for m, r in readers.items()}


@functools.lru_cache(maxsize=64)
def spans(graph: StageGraph) -> tuple[tuple[int, int], ...]:
  """Of each map, the first operator that makes a part of it and the last that reads one.

  -1 for what the stage reads; an end before the beginning when nobody reads it.
  """
  made, read = producers(graph), consumers(graph)
  result = []
  for m in range(len(graph.maps)):
    begin = made.get(m, -1)
    end = max(read.get(m, (-1,)))
    for i in read.get(m, ()):
      if graph.ops[i].kind == Kind.CROP:
        end = max(end, *read.get(graph.ops[i].outputs[0], (-1,)))
    if begin >= 0 and graph.ops[begin].kind == Kind.JOIN:
      begin = min(made[part] for part in graph.ops[begin].inputs)
    result.append((begin, max(begin, end)))
  return tuple(result)


@functools.lru_cache(maxsize=64)
def _row_needs(graph: StageGraph) -> tuple[tuple[tuple[int, list[int], list[int]], ...], ...]:
  """Per operator and input: the map, the last row that each step reads, and the oldest
  row that each step and those after it read (one entry more: none).
  """
  table = []
  for op in graph.ops:
    entries = []
    for m, reads in zip(op.inputs, op.reads):
      rows = graph.maps[m].rows
      # A step that reads nothing needs no row.
      first = np.where(reads.first <= reads.last, reads.first, rows)
      oldest = np.minimum.accumulate(first[::-1])[::-1]
      entries.append((m, reads.last.tolist(), [*oldest.tolist(), rows]))
    table.append(tuple(entries))
  return tuple(table)


def simulate(graph: StageGraph, ops: Sequence[int], on_demand: Iterable[int] = ()) -> Order:
  """Runs a segment row by row.

  Args:
    graph: The stage.
    ops: The segment's operators, consecutive, in execution order.
    on_demand: Maps made before the segment whose rows appear one by one when
      they are needed, as if their producers were streamed as well.

  Returns:
    The order and the ring heights.
  """
  return _Simulation(graph, ops, on_demand).run()


class _Simulation:
  """The state of one run: rows made of each map, next step of each operator."""

  def __init__(self, graph: StageGraph, ops: Sequence[int], on_demand: Iterable[int]) -> None:
    self._graph = graph
    self._ops = tuple(ops)
    inside = set(self._ops)
    self._producer = {m: i for i in self._ops for m in graph.ops[i].outputs}
    self._lazy = set(on_demand)
    tracked = set(self._producer) | self._lazy
    self._made = dict.fromkeys(tracked, 0)
    self._heights = dict.fromkeys(tracked, 1)
    self._next = dict.fromkeys(self._ops, 0)
    self._steps: list[Step] = []
    # Per operator: (map, last row read by each step) of the inputs that are not simply there.
    self._reads: dict[int, list[tuple[int, list[int]]]] = {}
    # Per map: (reader, oldest row that it needs from each step on).
    self._needs: dict[int, list[tuple[int, list[int]]]] = {m: [] for m in tracked}
    table = _row_needs(graph)
    for i in self._ops:
      self._reads[i] = []
      for m, last, oldest in table[i]:
        if m in tracked:
          self._reads[i].append((m, last))
          self._needs[m].append((i, oldest))
    readers = consumers(graph)
    self._ends = [
        i
        for i in self._ops
        if not any(r in inside for m in graph.ops[i].outputs for r in readers.get(m, ()))
    ]

  def run(self) -> Order:
    main = self._ends[-1]
    total = self._graph.ops[main].steps
    for step in range(total):
      self._advance(main, step)
      # Other ends keep pace, so that what they share with the main end stays short.
      for end in self._ends[:-1]:
        self._advance(end, self._graph.ops[end].steps * (step + 1) // total - 1)
    # Rows that nobody asked for: the tensors they belong to are complete in TFLM, too.
    for i in self._ops:
      self._advance(i, self._graph.ops[i].steps - 1)
    return Order(tuple(self._steps), dict(self._heights))

  def _advance(self, i: int, step: int) -> None:
    """Runs operator i up to and including a step."""
    op = self._graph.ops[i]
    while self._next[i] <= step:
      t = self._next[i]
      for m, last in self._reads[i]:
        if self._made[m] <= last[t]:
          self._make_rows(m, last[t])
      self._steps.append((i, t))
      self._next[i] = t + 1
      if not op.accumulates:
        for m in op.outputs:
          self._count_row(m, t + 1)
      elif t + 1 == op.steps:
        for m in op.outputs:
          self._count_row(m, self._graph.maps[m].rows)

  def _make_rows(self, m: int, row: int) -> None:
    if m in self._lazy:
      while self._made[m] <= row:
        self._count_row(m, self._made[m] + 1)
      return
    producer = self._producer[m]
    op = self._graph.ops[producer]
    self._advance(producer, op.steps - 1 if op.accumulates else row)

  def _count_row(self, m: int, made: int) -> None:
    self._made[m] = made
    oldest = made - 1
    for reader, needs in self._needs[m]:
      need = needs[self._next[reader]]
      if need < oldest:
        oldest = need
    height = made - oldest
    if height > self._heights[m]:
      self._heights[m] = height
