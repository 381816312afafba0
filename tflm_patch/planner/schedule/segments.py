# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Where to cut a stage: shortest paths over all cut points.

A cut before operator i means that every map alive there is whole. A segment of
one operator runs as `layer`; a longer one is streamed, and the maps inside it
are rings. The cost of a segment is the most memory that is alive during one of
its steps, row by row; whole maps before and after it are consumed and made as
it goes on. A segment's cost is only computed when its lower bound does not rule
it out; the bound of a stream is what the rings of a shorter one need, since a
longer stream has these rings as well, and what one that begins alike needs
beside what it leaves behind.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import heapq
import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from tflm_patch.planner import limits
from tflm_patch.planner.ir.stage_graph import MapRole, StageGraph
from tflm_patch.planner.memory import buffers as memory_buffers
from tflm_patch.planner.memory.native_buffers import buffers_from
from tflm_patch.planner.native import library
from tflm_patch.planner.native.stage_tables import stage_arrays
from tflm_patch.planner.schedule import order
from tflm_patch.program.records import MAX_OPS, MAX_STEP_ROWS

Cuts = tuple[tuple[int, int], ...]  # operators [first, last) of each segment


@dataclasses.dataclass(frozen=True)
class SegmentCost:
  """What a segment costs.

  Attributes:
    peak_bytes: The most bytes alive, the stage's tensors included.
    ring_bytes: The most bytes alive of maps that are made and read in it.
    inner_bytes: The same, with maps that are read in it for the last time; 0 for a
      segment with several ends, which a longer one may order otherwise.
    dispatches: Kernel calls, as `count_dispatches` counts them.
  """

  peak_bytes: int
  ring_bytes: int
  inner_bytes: int
  dispatches: int


class SegmentSearch:
  """Finds the cuts of a stage, natively where that is possible."""

  def __init__(self, graph: StageGraph, reusable: Iterable[int] = ()) -> None:
    self._graph = graph
    self._reusable = frozenset(reusable)
    self._native = _native_search(graph, self._reusable)

  @functools.cached_property
  def _python(self) -> PythonSearch:
    self._native = None
    return PythonSearch(self._graph, self._reusable)

  def cost(self, first: int, last: int) -> SegmentCost:
    """The exact cost of a segment."""
    if self._native is not None:
      with contextlib.suppress(library.InPython):
        return SegmentCost(*self._native.cost(first, last))
    return self._python.cost(first, last)

  def least_peak(self, floor_bytes: int, enough: float = math.inf) -> int:
    """The smallest peak of any cuts, at least `floor_bytes`.

    A lower bound of it, from `enough` on, when that is found first.
    """
    if self._native is not None:
      with contextlib.suppress(library.InPython):
        return self._native.least_peak(floor_bytes, enough)
    return self._python.least_peak(floor_bytes, enough)

  def fewest_dispatches(self, limit: int, without: Collection[tuple[int, int]] = ()) -> Cuts | None:
    """The cuts with the fewest kernel calls among those with no peak above `limit`.

    Args:
      limit: In bytes, the stage's tensors included.
      without: Segments that must not occur.

    Returns:
      None when there are none.
    """
    if self._native is not None:
      with contextlib.suppress(library.InPython):
        return self._native.fewest_dispatches(limit, without)
    return self._python.fewest_dispatches(limit, without)

  def run(self, cuts: Cuts) -> tuple[Sequence[int], list[memory_buffers.Buffers]]:
    """Which operator runs at each time, and variants of what all segments need."""
    if self._native is not None:
      with contextlib.suppress(library.InPython):
        found = self._native.variants(cuts)
        variants = [buffers_from(self._graph, arrays) for arrays in found]
        return found[0].order.tolist(), variants
    return self._python.run(cuts)


def _native_search(graph: StageGraph, reusable: frozenset[int]) -> library.SegmentSearch | None:
  if library.load() is None:
    return None
  arrays = stage_arrays(graph, reusable)
  if arrays is None:
    return None
  try:
    return library.SegmentSearch(arrays, limits.longest_segment(limits.steps_of(graph), MAX_OPS))
  except library.InPython:
    return None


class PythonSearch:
  """The search in Python, the reference of native/segments.c."""

  def __init__(self, graph: StageGraph, reusable: Iterable[int] = ()) -> None:
    self.graph = graph
    self._reusable = frozenset(reusable)
    self._costs: dict[tuple[int, int], SegmentCost] = {}
    self._whole = self._bytes_at_cuts()
    self._longest = limits.longest_segment(limits.steps_of(graph), MAX_OPS)
    self._rings = np.zeros((len(graph.ops) + 1,) * 2, np.int64)
    self._inner = np.zeros_like(self._rings)
    pulls = (len(set(op.reads[0].last.tolist())) if op.calls == 1 else 0 for op in graph.ops)
    self._ends = [
      len(graph.ops) if feature_map.role == MapRole.OUTPUT else end
      for feature_map, (_, end) in zip(graph.maps, order.spans(graph))
    ]
    self._pulls = list(itertools.accumulate(pulls, initial=0))

  def _bytes_at_cuts(self) -> list[int]:
    """Bytes of the maps alive at each cut point."""
    graph = self.graph
    n = len(graph.ops)
    totals = [0] * (n + 2)
    producer, readers = order.producers(graph), order.consumers(graph)
    for m, feature_map in enumerate(graph.maps):
      end = max(readers.get(m, (-1,)))
      if feature_map.role.has_own_memory or feature_map.view is not None:
        continue
      if feature_map.role == MapRole.INPUT:
        if m not in self._reusable:
          continue
        begin = -1
      else:
        begin = producer[m]
      if feature_map.role == MapRole.OUTPUT:
        end = n
      if end > begin:
        totals[begin + 1] += feature_map.bytes
        totals[end + 1] -= feature_map.bytes
    return list(itertools.accumulate(totals))[: n + 1]

  def floor(self, first: int, last: int) -> int:
    """A lower bound of a segment's peak that needs no simulation."""
    return max(self._whole[first], self._whole[last])

  def cost(self, first: int, last: int) -> SegmentCost:
    """The exact cost of a segment."""
    key = first, last
    if key not in self._costs:
      steps = order.simulate(self.graph, range(first, last))
      found = memory_buffers.variants(self.graph, (key,), steps, self._reusable)
      buffers = found[0]  # no more rings, and no more that is read for the last time
      left = {m for m in range(len(self._ends)) if self._ends[m] >= last}
      self._costs[key] = SegmentCost(
        min(each.peak_bytes for each in found),
        buffers.ring_bytes(),
        buffers.inner_bytes(left) if len(order.ends(self.graph, range(first, last))) == 1 else 0,
        count_dispatches(self.graph, steps),
      )
      # Segments that hold this one, none longer than one can be.
      shortest, farthest = max(0, last - MAX_OPS), first + MAX_OPS + 1
      longer = self._rings[shortest : first + 1, last:farthest]
      np.maximum(longer, self._costs[key].ring_bytes, out=longer)
      longer = self._inner[first, last:farthest]
      np.maximum(longer, self._costs[key].inner_bytes, out=longer)
    return self._costs[key]

  def run(self, cuts: Cuts) -> tuple[Sequence[int], list[memory_buffers.Buffers]]:
    """Which operator runs at each time, and variants of what all segments need."""
    steps = [step for cut in cuts for step in order.simulate(self.graph, range(*cut))]
    found = memory_buffers.variants(self.graph, cuts, steps, self._reusable)
    return [i for i, _ in steps], found

  def least_peak(self, floor_bytes: int, enough: float = math.inf) -> int:
    """The smallest peak of any cuts, at least `floor_bytes`.

    A lower bound of it, from `enough` on, when that is found first.

    The level, a lower bound, rises from one peak to the next. All segments that it
    allows are equally good: the way on from the farthest cut point is tried first.
    """
    n = len(self.graph.ops)
    level = floor_bytes
    done: set[int] = set()
    queued: set[tuple[int, int]] = set()
    # (peak or its lower bound, minus the origin, node, whether it is exact)
    queue: list[tuple[int, int, int, bool]] = [(level, 0, 0, True)]
    while queue:
      peak, negative, node, exact = heapq.heappop(queue)
      level = max(level, peak)
      if level >= enough:
        return level
      origin = -negative
      bound = self._bound(origin, node)
      if not exact and bound > level:  # more is known than when it was queued
        heapq.heappush(queue, (bound, negative, node, False))
        continue
      if not exact and node not in done:
        cost = self.cost(origin, node)
        heapq.heappush(queue, (max(level, cost.peak_bytes), negative, node, True))
      if exact:
        if node in done:
          continue
        if node == n:
          return level
        done.add(node)
        origin = node
      for last in self._extensions(origin, node):
        if (origin, last) not in queued:
          queued.add((origin, last))
          bound = max(level, self._bound(origin, last), self.floor(origin, last))
          heapq.heappush(queue, (bound, -origin, last, False))
    raise AssertionError('unreachable')

  def fewest_dispatches(self, limit: int, without: Collection[tuple[int, int]] = ()) -> Cuts | None:
    """The cuts with the fewest kernel calls among those with no peak above `limit`.

    Args:
      limit: In bytes, the stage's tensors included.
      without: Segments that must not occur.

    Returns:
      None when there are none.
    """
    # Streams with several ends may need larger rings than longer ones.
    found = self._fewest_dispatches(limit, without, prune=True)
    return found or self._fewest_dispatches(limit, without, prune=False)

  def _fewest_dispatches(
    self, limit: int, without: Collection[tuple[int, int]], prune: bool
  ) -> Cuts | None:
    n = len(self.graph.ops)
    origins: dict[int, int] = {}
    totals = [0] * (n + 1)
    # (dispatches or what is expected, node, origin, whether they are exact)
    queue: list[tuple[int, int, int, bool]] = [(0, 0, 0, True)]
    while queue:
      dispatches, node, origin, exact = heapq.heappop(queue)
      if exact:
        if node in origins:
          continue
        origins[node] = origin
        totals[node] = dispatches
        if node == n:
          return _path(origins, n)
        origin = node
      elif node not in origins and self.floor(origin, node) <= limit:
        cost = self.cost(origin, node)
        if cost.peak_bytes <= limit and (origin, node) not in without:
          heapq.heappush(queue, (totals[origin] + cost.dispatches, node, origin, True))
      # The next end is looked at when this one is: an expectation only grows.
      fits = not prune or self._bound(origin, node) <= limit
      if node < n and node - origin < self._longest and fits:
        expected = totals[origin] + self._expected_dispatches(origin, node + 1)
        heapq.heappush(queue, (expected, node + 1, origin, False))
    return None

  def _extensions(self, first: int, last: int) -> Iterator[int]:
    """Ends behind `last`, up to one of which the cost may tell more than the bound."""
    for end in range(last + 1, min(len(self.graph.ops), first + self._longest) + 1):
      yield end
      if self.floor(first, end) <= self._bound(first, end):
        return

  def _bound(self, first: int, last: int) -> int:
    """What a stream needs at least: what the streams within it that are known need."""
    return int(max(self._rings[first, last], self._inner[first, last]))

  def _expected_dispatches(self, first: int, last: int) -> int:
    """What a segment's dispatches will hardly be below.

    In a stream, an operator is interrupted for every new row of its input.
    """
    if last == first + 1:
      op = self.graph.ops[first]
      return -(-op.steps // MAX_STEP_ROWS) if op.calls == 1 else 0
    return self._pulls[last] - self._pulls[first + 1] + 1


def _path(came_from: dict[int, int], n: int) -> Cuts:
  cuts = []
  at = n
  while at:
    cuts.append((came_from[at], at))
    at = came_from[at]
  return tuple(reversed(cuts))


def count_dispatches(graph: StageGraph, steps: Sequence[order.Step]) -> int:
  """Kernel calls for steps of which consecutive ones of an operator are joined.

  Without those of operators that need several for a step: cuts change nothing there.
  """
  operators = np.fromiter((i for i, _ in steps), np.int64, len(steps))
  ends = np.append(np.flatnonzero(operators[1:] != operators[:-1]) + 1, len(steps))
  runs = np.diff(ends, prepend=0)
  joined = np.array([op.calls == 1 for op in graph.ops])[operators[ends - 1]]
  return int((-(-runs // MAX_STEP_ROWS))[joined].sum())
