# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Where to cut a stage: dynamic programming over all cut points.

A cut before operator i means that every map alive there is fully materialised.
A segment of one operator runs as `layer`; a longer one is streamed, and the
maps inside it are rings. The cost of a segment is the memory alive while it
runs; the cuts minimise the largest cost, and among equal ones the number of
dispatches.
"""

from __future__ import annotations

import dataclasses
import itertools

from tflm_patch.planner import order
from tflm_patch.planner.layout import aligned
from tflm_patch.planner.program import MAX_OPS
from tflm_patch.planner.stage_ir import MapRole, StageGraph

# Streams longer than this between two cuts that are not dominating points are
# not tried: their rings would have to be simulated one by one.
_MAX_INNER_STREAM = 24


@dataclasses.dataclass(frozen=True)
class Cut:
  """Operators [first, last) as one segment, with the memory that it is expected to need."""

  first: int
  last: int
  cost: int


class SegmentCosts:
  """Costs of all segments of a stage."""

  def __init__(self, graph: StageGraph) -> None:
    self.graph = graph
    n = len(graph.ops)
    self.n = n
    producer = order.producers(graph)
    readers = order.consumers(graph)
    # Internal maps, alive between their operators: made at op p, last read at op r.
    self._life = {}
    for m, p in producer.items():
      if graph.maps[m].role == MapRole.INTERNAL:
        self._life[m] = (p, max(readers.get(m, (p,))))
    self._outputs_life = {
        m: (p, max(readers.get(m, (p,))))
        for m, p in producer.items()
        if graph.maps[m].role == MapRole.OUTPUT
    }
    # Full maps alive across the cut before op i.
    self.crossing: list[frozenset[int]] = [
        frozenset(m for m, (p, r) in self._life.items() if p < i <= r) for i in range(n + 1)
    ]
    crossing_outputs = [
        {m for m, (p, r) in self._outputs_life.items() if p < i <= r} for i in range(n + 1)
    ]
    self.dominating = [
        i
        for i in range(n + 1)
        if i in (0, n) or len(self.crossing[i]) + len(crossing_outputs[i]) <= 1
    ]
    self._inner: dict[tuple[int, int], int] = {}
    self._block_rings = self._simulate_blocks()
    self._position = {p: k for k, p in enumerate(self.dominating)}
    # Prefix sums of ring and scratch bytes over the blocks between dominating points.
    self._prefix = [0]
    self._entry = []
    for inner, entry in self._block_rings:
      self._prefix.append(self._prefix[-1] + inner)
      self._entry.append(entry)
    self._entry_prefix = [0]
    for entry in self._entry:
      self._entry_prefix.append(self._entry_prefix[-1] + entry)

  def _ring_bytes(self, m: int, height: int) -> int:
    feature_map = self.graph.maps[m]
    return aligned(min(height, feature_map.rows) * feature_map.row_bytes)

  def _scratch_bytes(self, first: int, last: int) -> int:
    return sum(aligned(self.graph.ops[i].scratch_bytes) for i in range(first, last))

  def _simulate_blocks(self) -> list[tuple[int, int]]:
    """Per block: (bytes of its inner rings and scratch, bytes of its input as rings)."""
    result = []
    for first, last in zip(self.dominating, self.dominating[1:]):
      entering = self.crossing[first]
      simulated = order.simulate(self.graph, range(first, last), on_demand=entering)
      inner = self._scratch_bytes(first, last)
      for m, height in simulated.heights.items():
        internal = m in self._life and m not in entering and m not in self.crossing[last]
        if internal:
          inner += self._ring_bytes(m, height)
      entry = sum(self._ring_bytes(m, simulated.heights[m]) for m in entering)
      result.append((inner, entry))
    return result

  def full_bytes(self, maps: frozenset[int]) -> int:
    """Bytes of fully materialised maps."""
    return sum(aligned(self.graph.maps[m].bytes) for m in maps)

  def cost(self, first: int, last: int) -> int | None:
    """Memory of a segment; None when it is not considered."""
    ends = self.full_bytes(self.crossing[first] | self.crossing[last])
    if last == first + 1:
      lone = {m for m in self.graph.ops[first].outputs if m in self._life}
      dead = frozenset(lone - self.crossing[last])
      return ends + self.full_bytes(dead) + self._scratch_bytes(first, last)
    a, b = self._position.get(first), self._position.get(last)
    if a is not None and b is not None:
      inner = self._prefix[b] - self._prefix[a]
      inner += self._entry_prefix[b] - self._entry_prefix[a + 1]
      return ends + inner
    if last - first > _MAX_INNER_STREAM:
      return None
    return ends + self._inner_rings(first, last)

  def _inner_rings(self, first: int, last: int) -> int:
    key = first, last
    if key not in self._inner:
      simulated = order.simulate(self.graph, range(first, last))
      full = self.crossing[first] | self.crossing[last]
      self._inner[key] = self._scratch_bytes(first, last) + sum(
          self._ring_bytes(m, height)
          for m, height in simulated.heights.items()
          if m in self._life and m not in full
      )
    return self._inner[key]

  def floor(self, first: int, last: int) -> int:
    """A lower bound of `cost` that needs no simulation."""
    return self.full_bytes(self.crossing[first] | self.crossing[last])


def choose_cuts(costs: SegmentCosts, reusable: int = 0, reusable_from: int = 0) -> list[Cut]:
  """The cuts with the least peak.

  Args:
    costs: Of the stage.
    reusable: Bytes beside the workspace (the input tensor's own) ...
    reusable_from: ... that segments starting at this operator or later may use.

  Returns:
    The segments in order.
  """
  graph, n = costs.graph, costs.n
  steps_before = list(itertools.accumulate((op.steps for op in graph.ops), initial=0))

  def solve(bound: float, simulate: bool) -> list[Cut] | None:
    infinite = (float('inf'), 0)
    best: list[tuple[float, int]] = [(0.0, 0)] + [infinite] * n
    back: list[Cut | None] = [None] * (n + 1)
    for last in range(1, n + 1):
      for first in range(max(0, last - MAX_OPS), last):
        if best[first] == infinite:
          continue
        spare = reusable if first >= reusable_from else 0
        inner = first not in costs._position or last not in costs._position
        if last > first + 1 and inner:
          if not simulate or costs.floor(first, last) - spare >= bound:
            continue
        cost = costs.cost(first, last)
        if cost is None:
          continue
        dispatches = 1 if last == first + 1 else steps_before[last] - steps_before[first]
        candidate = (max(best[first][0], cost - spare), best[first][1] + dispatches)
        if candidate < best[last]:
          best[last] = candidate
          back[last] = Cut(first, last, cost)
    if best[n] == infinite:
      return None
    cuts = []
    at = n
    while at:
      cut = back[at]
      assert cut is not None
      cuts.append(cut)
      at = cut.first
    return cuts[::-1]

  coarse = solve(float('inf'), simulate=False)
  assert coarse is not None
  peak = max(cut.cost - (reusable if cut.first >= reusable_from else 0) for cut in coarse)
  return solve(peak, simulate=True) or coarse
