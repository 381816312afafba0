# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Plans of a stage for two memories, by predicted cycles."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

from tflm_patch import cost
from tflm_patch.cost.memories import Memories
from tflm_patch.cost.traffic import operator_traffic
from tflm_patch.cost.work import OperatorWork
from tflm_patch.planner import limits
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.laid_out import Candidate
from tflm_patch.planner.plan import Planner
from tflm_patch.planner.schedule.segments import Cuts
from tflm_patch.planner.stage_plan import StagePlan
from tflm_patch.planner.two_memories import accesses, cuts, placing
from tflm_patch.planner.two_memories.choice import Choice, Chooser
from tflm_patch.planner.work import work_of_plan

# Choices that are given places, those of the fewest cycles first.
_PLACED = 4


@dataclasses.dataclass(frozen=True, eq=False)
class _Outline:
  """Cuts with a choice of what lies in fast memory."""

  planner: Planner
  candidate: Candidate
  choice: Choice


class TwoMemories:
  """The plans of a stage for two memories.

  Args:
    planners: Of the stage as it is, and rewritten.
    memories: Of the target.
    cpu: A core with a cost table.
  """

  def __init__(self, planners: Sequence[Planner], memories: Memories, cpu: str) -> None:
    self._planners = planners
    self._memories = memories
    self._table = cost.load(cpu)

  @functools.cached_property
  def plans(self) -> tuple[StagePlan, ...]:
    """Some that take few cycles, and one of the cuts that need the least memory."""
    outlines = [each for planner in self._planners for each in self._outlines(planner)]
    best = sorted(outlines, key=lambda each: each.choice.cycles)[:_PLACED]
    smallest = [outlines[0]] if outlines[0] not in best else []
    return tuple(map(self._placed, (*best, *smallest)))

  def _placed(self, outline: _Outline) -> StagePlan:
    planner, candidate = outline.planner, outline.candidate
    regions = planner.regions_of(candidate)
    fast_bytes = self._memories.fast_bytes
    return planner.finished(placing.lay_out(candidate, regions, outline.choice, fast_bytes))

  def _outlines(self, planner: Planner) -> list[_Outline]:
    """Different cuts, those of the smallest plan first."""
    graph = planner.graph
    first = planner.smallest_placed().cuts
    tried: dict[Cuts, None] = {first: None}
    works = work_of_plan(planner.at_best(planner.simulated(first)))
    counts = _accesses_by_map(graph, works)
    longest = limits.longest_segment(limits.steps_of(graph), len(graph.ops))
    for each in cuts.candidates(
      graph, planner.segment_search, counts, self._memories.fast_bytes, longest
    ):
      tried[each] = None
    for outline in planner.outlines(limits.MAX_WORKSPACE):
      tried[outline.cuts] = None
    found = []
    for each in tried:
      candidate = planner.simulated(each)
      work = work_of_plan(planner.at_best(candidate))
      choice = Chooser(candidate, work, self._memories, self._table).choose()
      found.append(_Outline(planner, candidate, choice))
    return found


def _accesses_by_map(graph: StageGraph, works: Sequence[OperatorWork]) -> list[float]:
  counts = [0.0] * len(graph.maps)
  for i, work in enumerate(works):
    for m, count in accesses.by_map(graph, i, operator_traffic(work)).items():
      counts[m] += count
  return counts
