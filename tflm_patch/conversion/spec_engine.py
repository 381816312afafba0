# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Decides specs by the thousand.

A verdict at a budget comes in gears: no, because a lower bound of every plan is above
it; yes, because the first layout that was found is below it; else the whole search
decides. What is known of blocks, of segments and of whole shapes is shared by all
specs that are asked for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tflm_patch.architecture.graph_builder import RandomScales, to_graph, with_random_weights
from tflm_patch.architecture.spec import Spec
from tflm_patch.arena import ArenaPrediction, offline
from tflm_patch.arena import predict as predict_arena
from tflm_patch.conversion import pipeline, plugins, spec_size
from tflm_patch.conversion.fit_types import Budget, Fit, Gear, Verdict, speed_of
from tflm_patch.conversion.judge import DEFAULT_GOAL
from tflm_patch.conversion.options import ConvertOptions
from tflm_patch.conversion.spec_splits import Part, SeveralStages, Splits, several_stages
from tflm_patch.conversion.spec_stage import SpecStage, stage_of
from tflm_patch.graph.types import Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.sizes import StageSizes
from tflm_patch.planner.stage_plan import StagePlan
from tflm_patch.planner.work import speed

# A stage is made where it needs less than this part of the stock arena, and less by so
# many bytes; near that the whole conversion decides.
_WORTH = 0.9
_WORTH_BYTES = 1024


@dataclasses.dataclass(frozen=True)
class Requirements:
  """What a spec needs, as its conversion would say.

  Attributes:
    arena: As TFLM will report it.
    flash: Bytes of the converted file.
    macs: Multiply-accumulates.
    bound_by: What needs the most memory.
    plans: Makes the plans of the stages, when all operators are in some.
  """

  arena: ArenaPrediction
  flash: int
  macs: int
  bound_by: str
  plans: Callable[[], list[StagePlan]] | None


def requirements_of(spec: Spec) -> Requirements:
  """The arena and the flash that converting a spec's graph gives, without converting it.

  Raises:
    SpecError: the spec cannot exist.
  """
  asked = _Asked.about(spec)
  return _convert(spec) if asked is None else asked.requirements()


def decide(spec: Spec, budget: Budget) -> Fit:
  """Whether a spec fits, with as little work as that takes.

  Raises:
    SpecError: the spec cannot exist.
  """
  asked = _Asked.about(spec)
  if asked is None:
    return _answer(_convert(spec), budget)
  return asked.brief(budget) or _answer(asked.requirements(budget.arena_bytes), budget)


def exactly(spec: Spec, budget: Budget) -> Fit:
  """The same, with the arena of the whole search.

  Raises:
    SpecError: the spec cannot exist.
  """
  return _answer(requirements_of(spec), budget)


def trained_graph(spec: Spec) -> Model:
  """A graph whose file is as large as that of a trained network.

  Equal constants would be stored once; those of trained networks are not equal.
  """
  return with_random_weights(to_graph(spec, RandomScales(seed=0)), seed=0)


def _convert(spec: Spec) -> Requirements:
  """By a conversion that knows no weights: trained ones may come out smaller."""
  blind = plugins.select(()).of_weights().rewrites
  options = ConvertOptions(plugins=tuple(f'-{entry.name}' for entry in blind))
  result = pipeline.plan(trained_graph(spec), options)
  plans = [stage.plan for stage in result.stages]
  is_whole = len(result.model.main.operators) == len(plans)
  return Requirements(
    result.arena,
    len(serialize_model(result.model)),
    result.macs,
    bound_of(max(plans, key=lambda plan: plan.bytes)) if plans else result.reason or '',
    (lambda: plans) if is_whole else None,
  )


def _answer(requirements: Requirements, budget: Budget) -> Fit:
  is_small = budget.flash_bytes is None or requirements.flash <= budget.flash_bytes
  fits = is_small and requirements.arena.required <= budget.arena_bytes
  found = None
  if budget.cpu is not None and requirements.plans is not None:
    found = speed(requirements.plans(), budget.cpu)
  return Fit(
    target=budget.name,
    verdict=Verdict.FITS if fits else Verdict.TOO_LARGE,
    gear=Gear.FULL,
    arena=requirements.arena.total,
    arena_required=requirements.arena.required,
    arena_limit=budget.arena_bytes,
    flash=requirements.flash,
    flash_limit=budget.flash_bytes,
    macs=requirements.macs,
    **speed_of(found, budget.clock_hz),
    bound_by=requirements.bound_by if is_small else 'flash',
  )


def _requirements_of(several: SeveralStages) -> Requirements:
  """What several stages need."""
  build = DEFAULT_GOAL.build
  model = offline.improve(several.model, build)
  sizes = [part.sizes.smallest_size() for part in several.parts]
  flash = len(serialize_model(model)) - several.stand_in_bytes
  for part, size in zip(several.parts, sizes):
    flash += spec_size.stage_file(spec_size.parts_of(part.graph.maps, part.graph.ops), size)
  largest = max(range(len(sizes)), key=lambda k: sizes[k].workspace_bytes + several.tensor_bytes(k))
  return Requirements(
    predict_arena(model, build=build),
    flash,
    sum(op.macs for part in several.parts for op in part.graph.ops),
    _peak_name(several.parts[largest]),
    lambda: [part.sizes.smallest() for part in several.parts],
  )


def _peak_name(part: Part) -> str:
  """The operator during which the most memory is alive."""
  return part.graph.ops[part.sizes.peak_op()].name


def bound_of(plan: StagePlan) -> str:
  """The moment of a plan at which the most memory is in use."""
  segment = max(plan.segments, key=lambda segment: segment.peak.bytes)
  what, size = segment.peak.parts[0]
  return f'{plan.graph.ops[segment.peak.op].name}: {what}, {size:,} bytes'


class _Asked:
  """A spec that becomes one stage, and what has been found out about it."""

  def __init__(self, spec: Spec, stage: SpecStage) -> None:
    self._spec = spec
    self._stage = stage
    self._interface = stage.interface
    self._sizes = StageSizes(stage.arrays, lambda: stage.graph)
    self._splits = Splits(stage, self._sizes)
    self._flash = stage.flash
    self._stock = stage.stock_bytes

  @classmethod
  def about(cls, spec: Spec) -> _Asked | None:
    """None for a spec that does not become one stage of all its operators."""
    stage = stage_of(spec)
    return None if stage is None else cls(spec, stage)

  def requirements(self, enough: int = 0) -> Requirements:
    """By the whole search.

    Args:
      enough: One stage that needs no more bytes than that will do, where two may need less.
    """
    size = self._sizes.smallest_size()
    arena = spec_size.arena_of(self._interface, size.workspace_bytes)
    if arena.total > _WORTH * self._stock or self._stock - arena.total < _WORTH_BYTES:
      return _convert(self._spec)
    least_gain = DEFAULT_GOAL.least_gain(arena.total)
    wanted = arena.total - least_gain - arena.tail
    if arena.required > enough and self._splits.could_fit(wanted):
      several = several_stages(self._splits)
      if several is not None:
        return _requirements_of(several)
    flash = spec_size.file_of(self._interface, self._flash, size)
    bound = _peak_name(Part(self._stage.graph, self._sizes))
    return Requirements(arena, flash, self._stage.macs, bound, lambda: [self._sizes.smallest()])

  def brief(self, budget: Budget) -> Fit | None:
    """A verdict that needs no search; None when there is none."""
    interface, limit = self._interface, budget.arena_bytes
    flash = spec_size.least_file(interface, self._flash)
    if budget.flash_bytes is not None and flash > budget.flash_bytes:
      floor = spec_size.arena_of(interface, 0)
      return self._fit(budget, Gear.BOUND, floor, flash, 'flash')
    workspace = spec_size.workspace_within(interface, limit)
    if not self._might_fit(limit, workspace):
      more = dataclasses.replace(
        spec_size.arena_of(interface, 0), total=limit + 1, required=limit + 1
      )
      return self._fit(budget, Gear.BOUND, more, flash, '')
    found = None if workspace is None else self._sizes.size_within(workspace)
    if found is None:
      return None
    flash = spec_size.file_of(interface, self._flash, found)
    arena = spec_size.arena_of(interface, found.workspace_bytes)
    # The plan that a conversion takes, the smallest, may have more steps than this one.
    most_flash = spec_size.most_file(interface, self._flash, int(self._stage.arrays.steps.sum()))
    is_small = budget.flash_bytes is None or most_flash <= budget.flash_bytes
    if not is_small or arena.total > _WORTH * max(self._stock, limit):
      return None
    return self._fit(budget, Gear.BRIEF, arena, flash, '')

  def _might_fit(self, limit: int, workspace: int | None) -> bool:
    """Whether a conversion may give an arena of at most `limit` bytes; False is certain.

    Args:
      limit: In bytes.
      workspace: The largest with which one stage fits; None for none.
    """
    # A stock model that is as small as the limit would come back unchanged.
    if self._stock <= limit / _WORTH:
      return True
    if workspace is not None:
      tensors = self._sizes.tensor_bytes
      if self._sizes.gets_below(workspace + tensors, tensors):
        return True
    tail = spec_size.arena_of(self._interface, 0).tail
    return self._splits.might_fit(limit - tail)

  def _fit(self, budget: Budget, gear: Gear, arena: ArenaPrediction, flash: int, bound: str) -> Fit:
    return Fit(
      target=budget.name,
      verdict=Verdict.FITS if gear is Gear.BRIEF else Verdict.TOO_LARGE,
      gear=gear,
      arena=arena.total,
      arena_required=arena.required,
      arena_limit=budget.arena_bytes,
      flash=flash,
      flash_limit=budget.flash_bytes,
      macs=self._stage.macs,
      bound_by=bound,
    )
