# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Choosing the stages of a model: which regions, with which plans.

A region becomes a stage only if the arena of the whole model gets smaller, as
TFLM's allocator would report it; so a converted model is never worse.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from tflm_patch.arena import predict
from tflm_patch.conversion import input_bands
from tflm_patch.conversion.stage_operator import PlannedStage, install_stages
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model, Subgraph
from tflm_patch.planner.encode_plan import encode_stage
from tflm_patch.planner.lowering.operators import Violation
from tflm_patch.planner.lowering.partition import partition
from tflm_patch.planner.lowering.region import NotStageable, lower_region, region_boundary
from tflm_patch.planner.options import DEFAULT, PlanOptions
from tflm_patch.planner.search import StageSearch, work_of

Finish = Callable[[Model], Model]
Searches = dict[tuple[int, ...], StageSearch]  # of the stages, by their regions


@dataclasses.dataclass(frozen=True)
class StageChoice:
  """The outcome of a choice.

  Attributes:
    model: With the chosen stages installed and finished.
    stages: The chosen ones.
    violations: Operator index -> the rule that it breaks.
    rejected: (region, why it stays stock).
  """

  model: Model
  stages: tuple[PlannedStage, ...]
  violations: dict[int, Violation]
  rejected: tuple[tuple[tuple[int, ...], str], ...]


def choose_stages(
    model: Model,
    finish: Finish,
    *,
    keep_input: bool = False,
    force: bool = False,
    input_rows: int | None = None,
    options: PlanOptions = DEFAULT,
    known: Searches | None = None,
) -> StageChoice:
  """Plans every region and keeps the stages that lower the arena.

  Args:
    model: After the other rewrites.
    finish: Makes a model with stages installed one that TFLM can run.
    keep_input: Stages leave the bytes of the model's inputs alone.
    force: Keep every stage, gain or not.
    input_rows: Feed the model's input by bands of this many rows.
    options: Budget and objective of the plans.
    known: What conversions of the same model that differ in nothing but `options`
      have found; more is added.

  Raises:
    TflmPatchError: the input cannot be fed by bands of that height.
  """
  subgraph = model.main
  parts = partition(model, subgraph)
  bands = None
  if input_rows is not None:
    bands = input_bands.plan_bands(subgraph, parts, input_rows)
  planned, rejected = [], []
  searches: Searches = {} if known is None else known
  for region in parts.regions:
    fed = bands if bands is not None and region == bands.region else None
    try:
      if region in searches:
        searches[region] = searches[region].with_options(options)
      planned.append(
          _plan_region(model, subgraph, region, keep_input, fed, options, searches)
      )
    except NotStageable as reason:
      if fed is not None:
        raise input_bands.refusal(str(reason)) from None
      if options.schedule == 'patch' and region == max(parts.regions, key=len):
        raise TflmPatchError(f'--schedule patch: {reason}; use --schedule auto') from None
      rejected.append((region, str(reason)))
  if bands is not None:
    model = input_bands.with_band_input(model, bands)

  def build(stages: Sequence[PlannedStage]) -> Model:
    return finish(install_stages(model, stages))

  def arena(stages: Sequence[PlannedStage]) -> int:
    return predict(build(stages)).total

  chosen = list(planned)
  if not force and planned:
    best = arena(chosen)
    # A stage whose removal does no harm does no good either.
    for stage in sorted(planned, key=lambda stage: len(stage.region)):
      if bands is not None and stage.region == bands.region:
        continue
      without = [other for other in chosen if other is not stage]
      total = arena(without)
      if total <= best:
        chosen, best = without, total
        rejected.append((stage.region, 'as a stage it would not lower the arena'))
  if options.arena_bytes is not None:
    chosen = _hasten(chosen, searches, arena, options.arena_bytes)
  return StageChoice(build(chosen), tuple(chosen), parts.violations, tuple(rejected))


def _hasten(
    stages: Sequence[PlannedStage],
    searches: Searches,
    arena: Callable[[Sequence[PlannedStage]], int],
    limit: int,
) -> list[PlannedStage]:
  """Gives the arena that is left to stages that become faster by it, the largest first."""
  chosen = list(stages)
  for stage in sorted(stages, key=lambda stage: -len(stage.region)):
    spare = limit - arena(chosen)
    if spare <= 0:
      break
    plan = searches[stage.region].fastest(stage.plan.workspace_bytes + spare)
    if plan is None or work_of(plan) >= work_of(stage.plan):
      continue
    faster = dataclasses.replace(stage, plan=plan, encoded=encode_stage(plan))
    others = [faster if other is stage else other for other in chosen]
    if arena(others) <= limit:
      chosen = others
  return chosen


def _plan_region(
    model: Model,
    subgraph: Subgraph,
    region: tuple[int, ...],
    keep_input: bool,
    bands: input_bands.Bands | None,
    options: PlanOptions,
    searches: Searches,
) -> PlannedStage:
  graph = lower_region(model, subgraph, region)
  if bands is not None:
    graph = input_bands.feed(graph, bands)
  inputs = tuple(graph.maps[m].tensor for m in graph.inputs)
  _, outputs = region_boundary(subgraph, region)
  inside = set(region)
  reuse = [
      position
      for position, tensor in enumerate(inputs)
      if tensor not in subgraph.outputs
      and not (keep_input and tensor in subgraph.inputs)
      and all(
          i in inside for i, other in enumerate(subgraph.operators) if tensor in other.inputs
      )
  ]
  search = searches.setdefault(region, StageSearch(graph, reuse, options))
  plan = search.smallest()
  return PlannedStage(region, inputs, outputs, tuple(reuse), plan, encode_stage(plan))
