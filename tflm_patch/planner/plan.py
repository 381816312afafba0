# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Looks for plans of a stage: the smallest, those that fit, those that are fast."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from tflm_patch.planner import limits
from tflm_patch.planner.cut_search import CutSearch
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.laid_out import (
  Candidate,
  LaidOut,
  count_steps,
  finish,
  join,
  with_room,
  without_spare_room,
)
from tflm_patch.planner.memory import buffers as memory_buffers
from tflm_patch.planner.memory import layout, layout_search
from tflm_patch.planner.memory.layout_search import Wish
from tflm_patch.planner.rewrites import feed
from tflm_patch.planner.schedule import segments
from tflm_patch.planner.stage_plan import (
  Outline,
  Peak,
  PlanSize,
  ScratchPlan,
  SegmentPlan,
  StagePlan,
)
from tflm_patch.program import records as program

# Peaks that cuts are looked for to find fast plans: the least one, and so much more each.
_PEAKS = 24
_PEAK_STEP = 1.125


class Planner(CutSearch[Candidate, LaidOut]):
  """Plans of one stage.

  Args:
    graph: What the stage computes.
    reuse_inputs: Stage inputs (positions in graph.inputs) whose bytes may be
      overwritten once they are read.

  Raises:
    NotStageable: it is too much work to plan.
  """

  def __init__(self, graph: StageGraph, reuse_inputs: Sequence[int] = ()) -> None:
    limits.check_size(len(graph.ops), limits.steps_of(graph))
    self._graph = graph
    fed = memory_buffers.fed_maps(graph)
    self._reusable = [m for m in (graph.inputs[i] for i in reuse_inputs) if m not in fed]
    self._search = segments.SegmentSearch(graph, self._reusable)
    self._tensors = [*self._reusable, *graph.outputs]
    super().__init__(self._search, sum(graph.maps[m].bytes for m in self._tensors))
    self._plan: StagePlan | None = None
    self._tried: list[Outline] | None = None
    self._ahead: list[Outline] | None = None
    self._realized: dict[segments.Cuts, tuple[StagePlan, ...]] = {}

  @property
  def graph(self) -> StageGraph:
    """What is planned."""
    return self._graph

  @property
  def segment_search(self) -> segments.SegmentSearch:
    """What segments of the stage need."""
    return self._search

  @property
  def macs(self) -> int:
    return sum(op.macs for op in self._graph.ops)

  @property
  def scratch_bytes(self) -> int:
    return sum(op.scratch_bytes for op in self._graph.ops)

  def least_workspace(self) -> int:
    """Bytes that no plan's workspace can go below."""
    return layout.aligned(self.least_peak() - self._tensor_bytes)

  def bounding_operators(self) -> list[str]:
    """Names of the operators of the segment in which a smallest plan needs the most."""
    cuts = self._search.fewest_dispatches(self.least_peak())
    assert cuts is not None
    first, last = self.simulated(cuts).bounding_segment()
    return [op.name for op in self._graph.ops[first:last]]

  def smallest(self, brief: bool = False) -> StagePlan:
    """The plan with the smallest workspace that was found; less time is spent if brief."""
    if brief and self._plan is None:
      return self.finished(self._find_smallest(brief))
    if self._plan is None:
      self._plan = self.finished(self.smallest_placed())
    return self._plan

  def smallest_workspace(self) -> int:
    """Bytes of the workspace of `smallest()`, sooner than that makes its plan."""
    return self.smallest_placed().layout.bytes

  def fits(self, workspace_limit: int) -> bool:
    """Whether a plan is found whose workspace has at most this size.

    No where a lower bound says it, yes with the first layout that fits, else what
    the search for the smallest plan says.
    """
    if self._smallest is not None or self.least_workspace() > workspace_limit:
      return self._smallest is not None and self.smallest_workspace() <= workspace_limit
    cuts = self._search.fewest_dispatches(self.least_peak())
    assert cuts is not None
    wish = Wish(workspace_limit + 1, brief=True, enough=workspace_limit)
    if self._lay_out(self._by_peak(cuts), wish):
      return True
    return self.smallest_workspace() <= workspace_limit

  def smallest_size(self) -> PlanSize:
    """What `smallest()` needs, sooner than that makes its plan."""
    return self._size(self.smallest_placed())

  def peak_op(self) -> int:
    """The operator during which `smallest()` needs the most."""
    chosen = self.smallest_placed()
    return chosen.operators[int(chosen.buffers.live_bytes().argmax())]

  def plan_of(self, cuts: segments.Cuts, below: int | None) -> StagePlan:
    """The plan of cuts that are known to be laid out below a size."""
    found = self._lay_out(self._by_peak(cuts), Wish(below))
    assert found is not None
    return self.finished(found)

  def size_within(self, workspace_limit: int) -> PlanSize | None:
    """A plan of at most this workspace, found without much search; None where that needs more."""
    found = self.placed_within(workspace_limit)
    if found is None:
      return None
    # Some of what was allowed may be left.
    used = found.layout.used_bytes(found.buffers.items)
    return dataclasses.replace(self._size(found), workspace_bytes=used)

  def _size(self, chosen: LaidOut) -> PlanSize:
    steps = count_steps(np.asarray(chosen.operators))
    return PlanSize(chosen.workspace_bytes, len(chosen.cuts), steps)

  def outlines(self, workspace_limit: int) -> list[Outline]:
    """Cuts with few kernel calls, from the least memory up to what fits at best.

    They do not depend on the limit: a larger one only adds some.
    """
    if self._tried is None:
      found: dict[segments.Cuts, Outline] = {}
      least = max(self.least_peak(), 1)
      for k in range(_PEAKS):
        peak = math.floor(least * _PEAK_STEP**k)
        cuts = self._search.fewest_dispatches(peak)
        assert cuts is not None
        if cuts not in found:
          found[cuts] = self._outline(cuts)
        if peak >= _whole_bytes(self._graph):
          break
      self._tried = list(found.values())
    most = self._tensor_bytes + workspace_limit
    return [outline for outline in self._tried if outline.peak_bytes <= most]

  def streamed_ahead(self, workspace_limit: int) -> list[Outline]:
    """Cuts whose first segment is longer and longer: more is done while rows come in.

    Args:
      workspace_limit: What does not fit at best is left out.
    """
    if self._ahead is None:
      smallest = self._search.fewest_dispatches(max(self.least_peak(), 1))
      assert smallest is not None
      n = len(self._graph.ops)
      ends = [last for _, last in smallest if 1 < last <= min(n, program.MAX_OPS)]
      self._ahead = [
        self._outline(((0, end), *(cut for cut in smallest if cut[0] >= end))) for end in ends
      ]
    most = self._tensor_bytes + workspace_limit
    return [outline for outline in self._ahead if outline.peak_bytes <= most]

  def _outline(self, cuts: segments.Cuts) -> Outline:
    candidate = self.simulated(cuts)
    return Outline(cuts, candidate.peak_bytes, self.at_best(candidate))

  def at_best(self, candidate: Candidate) -> StagePlan:
    """A plan without places, in which every operator has the scratch that it is fastest with."""
    band = feed.band_rows(self._graph)
    plans = tuple(
      SegmentPlan('', first, last, join(self._graph, steps, band), Peak(0, 0, 0, ()))
      for (first, last), steps in zip(candidate.cuts, candidate.steps)
    )
    scratch = []
    for op in self._graph.ops:
      size = op.scratch_bytes or max(op.spare_scratch, default=0)
      scratch.append(ScratchPlan(0, 0, size) if size else None)
    return StagePlan(self._graph, plans, (), tuple(scratch), 0, 0)

  def realized(self, outline: Outline) -> tuple[StagePlan, ...]:
    """Plans with the outline's cuts: in little memory, and with all scratch that helps."""
    if outline.cuts not in self._realized:
      laid_out = self._lay_out(self._by_peak(outline.cuts), Wish(brief=True))
      assert laid_out is not None
      plans = [self.finished(laid_out)]
      for with_more in with_room(self._graph, laid_out):
        roomy = self.finished(with_more)
        if all(roomy.scratch != plan.scratch for plan in plans):
          plans.append(without_spare_room(roomy, laid_out.layout.bytes))
      self._realized[outline.cuts] = tuple(plans)
    return self._realized[outline.cuts]

  def fixed(self, schedule: str) -> StagePlan | None:
    """Every operator for itself ('layer'), or all in one 'stream' if that is possible."""
    n = len(self._graph.ops)
    if schedule == 'stream' and n > program.MAX_OPS:
      return None
    cuts = ((0, n),) if schedule == 'stream' else tuple((i, i + 1) for i in range(n))
    found = self._lay_out(self._by_peak(cuts), Wish(brief=True))
    assert found is not None
    return self.finished(found)

  def simulated(self, cuts: segments.Cuts) -> Candidate:
    """What segments need, without places."""
    return self._by_peak(cuts)[0]

  def _simulate(self, cuts: segments.Cuts) -> list[Candidate]:
    operators, variants = self._search.run(cuts)
    return [Candidate(self._graph, cuts, operators, buffers) for buffers in variants]

  def regions_of(self, candidate: Candidate) -> tuple[layout.Region, ...]:
    """Memory of the stage's tensors that may be used."""
    tensors = candidate.buffers.tensors
    return tuple(layout.Region(self._graph.maps[m].bytes, tensors[m]) for m in self._tensors)

  def finished(self, chosen: LaidOut) -> StagePlan:
    """The plan with the places that were found.

    Raises:
      NotStageable: its workspace is too large for any arena.
    """
    limits.check_workspace(chosen.layout.bytes)
    return finish(self._graph, chosen, self._tensors, self._tensor_bytes)

  def _place(self, candidate: Candidate, wish: Wish) -> LaidOut | None:
    buffers = candidate.buffers
    regions = self.regions_of(candidate)
    found = layout_search.find_layout(buffers.items, regions, buffers.length, wish)
    if found is None:
      return None
    return LaidOut(self._graph, candidate.cuts, candidate.operators, buffers, regions, found)


def _whole_bytes(graph: StageGraph) -> int:
  return sum(m.bytes for m in graph.maps if not m.role.has_own_memory and m.view is None) + sum(
    op.scratch_bytes for op in graph.ops
  )
