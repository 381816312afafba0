# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a conversion for two memories puts where, and what it waits for."""

from __future__ import annotations

import dataclasses

from tflm_patch.api import ConversionResult
from tflm_patch.cost.memories import Memories
from tflm_patch.planner.stage_plan import StagePlan
from tflm_patch.planner.two_memories import accesses
from tflm_patch.planner.work import waiting_cycles, work_of_plan
from tflm_patch.program.records import Region

_LISTED = 8  # buffers, the largest


@dataclasses.dataclass(frozen=True)
class FastMemory:
  """The fast memory of a model; what its stages use one after the other.

  Attributes:
    bytes: That are used.
    limit: That may be.
    slow_cycles: An access to the arena is taken to need.
    fast_accesses, slow_accesses: Predicted for an inference.
    waiting_cycles: Predicted, beyond a cycle an access.
    buffers: (what, bytes) of the largest that lie there at some time.
  """

  bytes: int
  limit: int
  slow_cycles: int
  fast_accesses: int
  slow_accesses: int
  waiting_cycles: int
  buffers: tuple[tuple[str, int], ...]


def fast_memory_of(result: ConversionResult, memories: Memories | None) -> FastMemory | None:
  """The fast memory of a conversion; None where there is one memory."""
  if memories is None:
    return None
  plans = [stage.plan for stage in result.stages]
  counts = [accesses.of_plan(plan, work_of_plan(plan)) for plan in plans]
  buffers = sorted((each for plan in plans for each in _buffers(plan)), key=lambda each: -each[1])
  return FastMemory(
    bytes=result.fast_bytes,
    limit=memories.fast_bytes,
    slow_cycles=memories.slow_cycles,
    fast_accesses=round(sum(each.fast for each in counts)),
    slow_accesses=round(sum(each.slow for each in counts)),
    waiting_cycles=sum(waiting_cycles(plan, memories) for plan in plans),
    buffers=tuple(buffers[:_LISTED]),
  )


def _buffers(plan: StagePlan) -> list[tuple[str, int]]:
  graph = plan.graph
  found = []
  for feature_map, place in zip(graph.maps, plan.maps):
    if place.region == Region.FAST and feature_map.view is None:
      what = 'rows of' if place.ring_rows == feature_map.rows else 'ring rows of'
      name = f'{place.ring_rows} {what} "{feature_map.name}"'
      found.append((name, place.ring_rows * abs(place.row_bytes)))
  for op, scratch in zip(graph.ops, plan.scratch):
    if scratch is not None and scratch.region == Region.FAST:
      found.append((f'scratch of {op.name}', scratch.bytes))
  return found
