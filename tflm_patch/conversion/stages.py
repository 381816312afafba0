# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Choosing the stages of a model: which regions, with which plans.

A region becomes a stage only if the arena of the whole model on the target gets
smaller by it, as TFLM's allocator would report it; so a converted model is never worse.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from tflm_patch.conversion import hops, input_bands, kept_input
from tflm_patch.conversion.judge import DEFAULT_GOAL, Finish, Goal, Judge, bounding
from tflm_patch.conversion.splits import split
from tflm_patch.conversion.stage_operator import PlannedStage
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model
from tflm_patch.planner.graphs.forms import with_neighbours
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.lowering.operators import Violation
from tflm_patch.planner.lowering.operators.slide import SLIDE
from tflm_patch.planner.lowering.partition import Partition, partition
from tflm_patch.planner.lowering.region import NotStageable, lower_region, region_boundary
from tflm_patch.planner.options import DEFAULT, Objective, PlanOptions, Schedule
from tflm_patch.planner.rewrites.orders import orders_of
from tflm_patch.planner.search import StageSearch
from tflm_patch.planner.sizes import SizeSearch

Region = tuple[int, ...]
Searches = dict[Region, StageSearch]  # of the stages of one graph
Rejected = tuple[Region, str]  # and why it stays stock

# Operators that only give bytes another shape.
_RENAMING = frozenset({'EXPAND_DIMS', 'RESHAPE', 'SQUEEZE'})
# How often a stage that bounds the arena is made two.
_SPLITS = 8


@dataclasses.dataclass(frozen=True)
class StageOptions:
  """What stages may do, and what they are to be good at.

  Attributes:
    keep_input: They leave the bytes of the model's inputs alone.
    force: Keep every stage, gain or not.
    input_rows: Feed the model's input by bands of this many rows.
    hop, hop_level: The model's input is a window that goes on by this many rows; see `hops`.
    plan: Budget and objective of the plans.
    goal: Whose arena and whose work count.
    outlines: The model is for predictions of memory, not to be run.
  """

  keep_input: bool = False
  force: bool = False
  input_rows: int | None = None
  hop: int | None = None
  hop_level: int | None = None
  plan: PlanOptions = DEFAULT
  goal: Goal = DEFAULT_GOAL
  outlines: bool = False


@dataclasses.dataclass(frozen=True)
class StageChoice:
  """The outcome of a choice.

  Attributes:
    model: With the chosen stages installed and finished.
    before: What the regions of the stages refer to.
    stages: The chosen ones.
    violations: Operator index -> the rule that it breaks.
    rejected: (region, why it stays stock).
  """

  model: Model
  before: Model
  stages: tuple[PlannedStage, ...]
  violations: dict[int, Violation]
  rejected: tuple[Rejected, ...]


def choose_stages(
  model: Model,
  finish: Finish,
  options: StageOptions = StageOptions(),
  known: Searches | None = None,
  progress: Callable[[str], None] = lambda text: None,
) -> StageChoice:
  """Plans every region and keeps the stages that lower the arena.

  Args:
    model: After the other rewrites.
    finish: Makes a model with stages installed one that TFLM can run.
    options: See there.
    known: What choices for the same graph that differ in nothing but `options.plan`
      have found; more is added.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: the input cannot be fed by bands of that height.
  """
  known = {} if known is None else known
  chosen = _choose(model, finish, options, known, progress, in_order=False)
  if options.force or not any(search.is_reordered for search in known.values()):
    return chosen.choice
  # What is smaller as one stage need not be when a stage is made two, or beside others.
  plain = _choose(model, finish, options, known, lambda text: None, in_order=True)
  return min(chosen, plain, key=lambda each: each.rank(options.plan.arena_bytes)).choice


@dataclasses.dataclass(frozen=True)
class _Judged:
  """A choice, and who knows what it needs."""

  choice: StageChoice
  judge: Judge

  def rank(self, arena_bytes: int | None) -> tuple[int, ...]:
    """The less the better: the arena; the work among those that fit the arena that is there."""
    stages, judge = self.choice.stages, self.judge
    if arena_bytes is None or not judge.fits(stages, arena_bytes):
      return 1, judge.arena(stages)
    return 0, *judge.work(stages)


def _choose(
  model: Model,
  finish: Finish,
  options: StageOptions,
  known: Searches,
  progress: Callable[[str], None],
  in_order: bool,
) -> _Judged:
  """A choice of stages, all with their operators in the order of the model or not."""
  parts = partition(model, model.main)
  bands: input_bands.Bands | None = None
  if options.input_rows is not None:
    bands = input_bands.plan_bands(model.main, parts, options.input_rows)
  elif options.hop is not None:
    bands = hops.plan_hop(model.main, parts, options.hop, options.hop_level)
  planner = _RegionPlanner(model, options, bands, known, in_order)
  planned, rejected = _plan_all(planner, parts, progress)
  if bands is not None:
    model = input_bands.with_band_input(model, bands)

  def finish_and_keep(model: Model) -> Model:
    finished = finish(model)
    return kept_input.keep(finished) if options.keep_input else finished

  judge = Judge(model, finish_and_keep, options.goal)
  chosen = planned
  if not options.force:
    fixed = {part for part in parts.regions if _keeps_rows(model, part)}
    fixed |= set() if bands is None else {bands.region}
    may_only_be_faster = options.plan.minimize == Objective.CYCLES
    chosen, useless = _worth_making(planned, judge, fixed, may_only_be_faster)
    rejected += useless
  ways: list[Sequence[PlannedStage]] = [chosen]
  if chosen and not options.force and options.plan.schedule == Schedule.AUTO:
    progress('Looking for stages to be cut in two')
    apart = cut_in_two(chosen, planner, judge)
    if apart is not chosen:
      ways.append(apart)
  final = ways[-1]
  if options.plan.arena_bytes is not None:
    progress('Looking for the fastest plan that fits')
    final = _fastest(ways, planner, judge, options.plan.arena_bytes)
  built = judge.build(final, options.outlines)
  choice = StageChoice(built, model, tuple(final), parts.violations, tuple(rejected))
  return _Judged(choice, judge)


def _keeps_rows(model: Model, region: Region) -> bool:
  """Whether only a stage can hold a region: rows stay there between invocations."""
  return any(model.main.operators[i].opcode == SLIDE for i in region)


class _RegionPlanner:
  """Makes stages of regions."""

  def __init__(
    self,
    model: Model,
    options: StageOptions,
    bands: input_bands.Bands | None,
    searches: Searches,
    in_order: bool,
  ) -> None:
    self.model = model
    self.options = options
    self.bands = bands
    self._known = searches
    self._in_order = in_order
    self._own: dict[Region, StageSearch] = {}

  def search(self, region: Region) -> StageSearch:
    """The plans of a region.

    Raises:
      NotStageable: it cannot be a stage.
    """
    if region not in self._own:
      if region in self._known:
        search = self._known[region].with_options(self.options.plan)
      else:
        graph = self._graph(region)
        reuse = self._reuse(graph, region)
        orders = orders_of(graph, [graph.inputs[i] for i in reuse])
        search = StageSearch.of_orders(orders, reuse, self.options.plan)
      self._known[region] = search
      self._own[region] = search.in_order if self._in_order else search
    return self._own[region]

  def stage(self, region: Region) -> PlannedStage:
    """A region as the smallest stage that was found.

    Raises:
      NotStageable: it cannot be a stage.
    """
    search = self.search(region)
    graph = search.graph
    inputs = tuple(graph.maps[m].tensor for m in graph.inputs)
    _, outputs = region_boundary(self.model.main, region)
    plan = search.smallest()
    reuse = self._reuse(graph, region)
    return PlannedStage(region, inputs, outputs, tuple(reuse), plan)

  def _graph(self, region: Region) -> StageGraph:
    graph = with_neighbours(lower_region(self.model, self.model.main, region))
    if self.bands is not None and region == self.bands.region:
      return self.bands.feed(graph)
    return graph

  def _reuse(self, graph: StageGraph, region: Region) -> list[int]:
    """Inputs that nobody reads once the stage, which runs as its last operator would, is done."""
    subgraph = self.model.main
    inside = set(region)
    return [
      position
      for position, tensor in enumerate(graph.maps[m].tensor for m in graph.inputs)
      if tensor not in subgraph.outputs
      and not (self.options.keep_input and tensor in subgraph.inputs)
      and all(
        i in inside or i < region[-1]
        for i, other in enumerate(subgraph.operators)
        if tensor in other.inputs
      )
    ]


def _plan_all(
  planner: _RegionPlanner, parts: Partition, progress: Callable[[str], None]
) -> tuple[list[PlannedStage], list[Rejected]]:
  """A stage of every region that can be one."""
  options, operators = planner.options, planner.model.main.operators
  planned: list[PlannedStage] = []
  rejected: list[Rejected] = []
  for number, region in enumerate(parts.regions, 1):
    if len(parts.regions) > 1:
      progress(f'Planning stage {number} of {len(parts.regions)}')
    if not options.force and all(operators[i].opcode in _RENAMING for i in region):
      rejected.append((region, 'it only gives bytes another shape'))
      continue
    try:
      planned.append(planner.stage(region))
    except NotStageable as reason:
      if planner.bands is not None and region == planner.bands.region:
        raise planner.bands.refusal(str(reason)) from None
      if options.plan.schedule == Schedule.PATCH and region == max(parts.regions, key=len):
        raise TflmPatchError(f'--schedule patch: {reason}; use --schedule auto') from None
      rejected.append((region, str(reason)))
  return sorted(planned, key=_place), rejected


def _place(stage: PlannedStage) -> int:
  """Where the stage's operator stands in the model."""
  return stage.region[-1]


def _worth_making(
  planned: Sequence[PlannedStage], judge: Judge, fixed: Collection[Region], may_only_be_faster: bool
) -> tuple[list[PlannedStage], list[Rejected]]:
  """The stages without those that save too little, those that save the least first.

  Args:
    planned: All of them.
    judge: Knows the arena.
    fixed: Regions of stages that must stay.
    may_only_be_faster: Also keep what takes less work in an arena that does not grow.
  """
  if not planned:
    return [], []
  least = judge.arena(planned)
  own = judge.goal.least_gain(0)  # what the operator itself costs

  def without(stages: Sequence[PlannedStage], one: PlannedStage) -> list[PlannedStage]:
    return [other for other in stages if other is not one]

  saves = {id(stage): judge.arena(without(planned, stage)) - least for stage in planned}
  chosen, rejected = list(planned), []
  for stage in sorted(planned, key=lambda stage: (saves[id(stage)], len(stage.region))):
    if stage.region in fixed:
      continue
    others = without(chosen, stage)
    total = judge.arena(others)
    if may_only_be_faster and judge.are_faster([stage]) and judge.arena(chosen) <= total:
      continue
    # Stages that save little each are made where together they save enough.
    if total - judge.arena(chosen) < own or total - least < judge.goal.least_gain(total):
      chosen, least = others, min(least, total)
      rejected.append((stage.region, _too_little(judge.arena([*others, stage]), total)))
  return chosen, rejected


def _too_little(with_stage: int, without: int) -> str:
  if with_stage >= without:
    return 'as a stage it would not lower the arena'
  saved = without - with_stage
  return f'as a stage it would lower the arena by {saved:,} of {without:,} bytes only'


class StagePlanner(Protocol):
  """Makes stages of regions of a model; see `_RegionPlanner`."""

  @property
  def model(self) -> Model: ...

  @property
  def bands(self) -> input_bands.Bands | None: ...

  def search(self, region: Region) -> SizeSearch: ...

  def stage(self, region: Region) -> PlannedStage: ...


def cut_in_two(
  stages: Sequence[PlannedStage], planner: StagePlanner, judge: Judge
) -> Sequence[PlannedStage]:
  """With stages that bound the arena by their inputs and outputs made two; maybe the same."""
  best = chosen = stages
  least = judge.arena(best)
  for _ in range(_SPLITS):
    stage = bounding(chosen, judge)
    # Of stages that are alike one bounds the arena after the other: half of them may not help.
    if stage is None or not any(stage is other for other in best):
      break
    if planner.bands is not None and stage.region == planner.bands.region:
      break
    parts = split(planner.model.main, stage, planner.search)
    if parts is None:
      break
    wanted = least - judge.goal.least_gain(least)
    halves = _stages_below(parts, planner, wanted)
    if not halves:
      break
    others = [other for other in chosen if other is not stage]
    chosen = sorted([*others, *halves], key=_place)
    total = judge.arena(chosen)
    if total <= wanted:
      best, least = chosen, total
  return best


def _stages_below(
  parts: Sequence[Region], planner: StagePlanner, arena_bytes: int
) -> list[PlannedStage]:
  """Stages of regions; none when one of them alone needs more than such an arena."""
  made: list[PlannedStage] = []
  for part in sorted(parts, key=lambda part: -planner.search(part).least_bytes()):
    made.append(planner.stage(part))
    if made[-1].plan.bytes > arena_bytes:
      return []
  return made


def _fastest(
  ways: Sequence[Sequence[PlannedStage]], planner: _RegionPlanner, judge: Judge, limit: int
) -> Sequence[PlannedStage]:
  """The ways to make stages, each as fast as it fits into an arena: the fastest of them.

  The smallest when none fits.
  """
  fitting = [_hastened(way, planner, judge, limit) for way in ways if judge.fits(way, limit)]
  if not fitting:
    return min(ways, key=judge.arena)
  return min(fitting, key=judge.work)


def _hastened(
  stages: Sequence[PlannedStage], planner: _RegionPlanner, judge: Judge, limit: int
) -> list[PlannedStage]:
  """Gives the arena that is left to stages that become faster by it, the largest first."""
  chosen = list(stages)
  work = judge.goal.work
  for stage in sorted(stages, key=lambda stage: -len(stage.region)):
    room = judge.largest_workspace(chosen, stage, limit)
    plan = planner.search(stage.region).fastest(room, work)
    if plan is None or work(plan) >= work(stage.plan):
      continue
    faster = dataclasses.replace(stage, plan=plan)
    others = [faster if other is stage else other for other in chosen]
    if judge.fits(others, limit):
      chosen = others
  return chosen
