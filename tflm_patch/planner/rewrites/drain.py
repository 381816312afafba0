# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The order of operators in which side branches end before the trunk goes on.

A detector's file has its backbone first and its heads behind it: all maps that heads read are
then alive at once. A head that runs as soon as its map is there leaves a few values in their
place, and its map goes.
"""

from __future__ import annotations

import heapq

from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.schedule import order


def drained(graph: StageGraph) -> StageGraph:
  """The graph with the operator next that the fewest others wait for, of those that can run.

  Args:
    graph: Operators in any order in which they can run.

  Returns:
    The same graph where that is its order already.
  """
  n = len(graph.ops)
  makers, readers = order.producers(graph), order.consumers(graph)
  followers = [sorted({i for m in op.outputs for i in readers.get(m, ())}) for op in graph.ops]
  waits = [len({makers[m] for m in op.inputs if m in makers}) for op in graph.ops]
  behind = [0] * n  # a bit for each operator that needs this one
  for i in reversed(range(n)):
    for follower in followers[i]:
      behind[i] |= 1 << follower | behind[follower]
  waiting = [bin(bits).count('1') for bits in behind]
  ready = [(waiting[i], i) for i in range(n) if not waits[i]]
  heapq.heapify(ready)
  found: list[int] = []
  while ready:
    _, i = heapq.heappop(ready)
    found.append(i)
    for follower in followers[i]:
      waits[follower] -= 1
      if not waits[follower]:
        heapq.heappush(ready, (waiting[follower], follower))
  if found == list(range(n)):
    return graph
  ops = tuple(graph.ops[i] for i in found)
  return StageGraph(graph.maps, ops, graph.inputs, graph.outputs)
