# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Accesses to the memory of a stage: by map, by scratch, by region of a plan."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence

from tflm_patch.cost.memories import Memories
from tflm_patch.cost.traffic import Traffic, elementwise, operator_traffic
from tflm_patch.cost.work import OperatorWork
from tflm_patch.planner.ir.stage_graph import MapRole, StageGraph
from tflm_patch.planner.stage_plan import MapPlan, StagePlan
from tflm_patch.program.records import Region


def by_map(graph: StageGraph, op: int, traffic: Traffic) -> dict[int, float]:
  """Accesses of an operator to maps that have memory, by their indices; views count as theirs."""
  found: defaultdict[int, float] = defaultdict(float)
  operator = graph.ops[op]
  if operator.spec.is_view:
    return {}
  for k, m in enumerate(operator.inputs):
    elements = graph.maps[m].rows * graph.maps[m].cols * graph.maps[m].channels
    found[_owner(graph, m)] += traffic.input if k == 0 else elementwise(operator.kind, elements)
  for m in operator.outputs:
    found[_owner(graph, m)] += traffic.output / len(operator.outputs)
  return dict(found)


def _owner(graph: StageGraph, m: int) -> int:
  view = graph.maps[m].view
  return m if view is None else view.base


@dataclasses.dataclass(frozen=True)
class RegionAccesses:
  """Accesses of an inference.

  Attributes:
    fast: To the fast memory.
    slow: To the arena: workspace, tensors, state.
    weights: To the constants.
  """

  fast: float
  slow: float
  weights: float

  def cycles(self, memories: Memories) -> float:
    """What they take beyond a cycle each."""
    return (
      self.fast * (memories.fast_cycles - 1)
      + self.slow * (memories.slow_cycles - 1)
      + self.weights * (memories.weights_cycles - 1)
    )


def of_plan(plan: StagePlan, work: Sequence[OperatorWork]) -> RegionAccesses:
  """Accesses of a plan by region.

  Args:
    plan: With places.
    work: Of its operators, see `planner.work.work_of_plan`.
  """
  graph = plan.graph
  found: defaultdict[str, float] = defaultdict(float)
  for i, each in enumerate(work):
    traffic = operator_traffic(each)
    found['weights'] += traffic.weights
    scratch = plan.scratch[i]
    if scratch is not None:
      found[_memory(scratch.region)] += traffic.scratch
    for m, count in by_map(graph, i, traffic).items():
      if graph.maps[m].role is MapRole.CONSTANT:
        found['weights'] += count
        continue
      for region, part in _parts(plan.maps[m]):
        found[_memory(region)] += count * part
  return RegionAccesses(found['fast'], found['slow'], found['weights'])


def _parts(place: MapPlan) -> tuple[tuple[int, float], ...]:
  """The regions of a map and which part of its slots lies there."""
  first = place.split / place.ring_rows
  return (place.region, first), (place.split_region, 1 - first)


def _memory(region: int) -> str:
  return 'fast' if region == Region.FAST else 'slow'
