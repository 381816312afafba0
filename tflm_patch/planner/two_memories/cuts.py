# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cuts for which little is moved through the slow memory.

A map that one segment makes and a later one reads lies whole; one that is made and read in a
segment is a ring. The cuts are a shortest path: a segment costs the accesses to the maps that
it leaves behind, and is possible where its rings fit the fast memory.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Sequence

from tflm_patch.planner.ir.stage_graph import MapRole, StageGraph
from tflm_patch.planner.schedule import order
from tflm_patch.planner.schedule.segments import Cuts, SegmentSearch
from tflm_patch.program.records import MAX_OPS

# Parts of the fast memory that rings may take, and up to which size a whole map is expected
# to lie there as well.
_RINGS = (1.0, 0.75, 0.5, 0.3)
_MAPS = (0.0, 0.15, 0.3)


def candidates(
  graph: StageGraph, search: SegmentSearch, counts: Sequence[float], fast_bytes: int, longest: int
) -> list[Cuts]:
  """Different cuts, for several ways to share the fast memory.

  Args:
    graph: The stage.
    search: What its segments need.
    counts: Accesses to each map.
    fast_bytes: Of the fast memory.
    longest: The most operators of a segment that are looked at.
  """
  rings = list(_ring_bytes(graph, search, fast_bytes, min(longest, MAX_OPS)))
  spans = order.spans(graph)
  found: dict[Cuts, None] = {}
  for ring_part, map_part in itertools.product(_RINGS, _MAPS):
    free = map_part * fast_bytes
    made: list[list[tuple[int, float]]] = [[] for _ in graph.ops]
    for feature_map, (begin, end), count in zip(graph.maps, spans, counts):
      if begin >= 0 and feature_map.role is MapRole.INTERNAL and feature_map.bytes > free:
        made[begin].append((end, count))
    found[_shortest(made, rings, ring_part * fast_bytes)] = None
  return list(found)


def _ring_bytes(
  graph: StageGraph, search: SegmentSearch, limit: int, longest: int
) -> Iterator[list[int]]:
  """Of each first operator, the rings of longer and longer segments, until they do not fit."""
  n = len(graph.ops)
  for first in range(n):
    found = [0]
    for last in range(first + 2, min(n, first + longest) + 1):
      size = search.cost(first, last).ring_bytes
      if size > limit:
        break
      found.append(size)
    yield found


def _shortest(
  made: Sequence[Sequence[tuple[int, float]]], rings: Sequence[Sequence[int]], limit: float
) -> Cuts:
  """Cuts with the least cost, among those with the fewest segments."""
  n = len(made)
  best: list[tuple[float, int]] = [(0.0, 0)] + [(float('inf'), 0)] * n
  before = [0] * (n + 1)
  for first in range(n):
    inside: list[tuple[int, float]] = []  # last reader and cost of what the segment makes
    total, done = 0.0, 0.0  # of all of it, and of what it reads for the last time
    for size, last in zip(rings[first], range(first + 1, n + 1)):
      if size > limit:
        break
      for entry in made[last - 1]:
        bisect.insort(inside, entry)
        total += entry[1]
      while inside and inside[0][0] < last:
        done += inside.pop(0)[1]
      price = best[first][0] + total - done, best[first][1] + 1
      if price < best[last]:
        best[last], before[last] = price, first
  cuts, end = [], n
  while end:
    cuts.append((before[end], end))
    end = before[end]
  return tuple(reversed(cuts))
