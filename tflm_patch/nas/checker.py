# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Checks candidates with the constraint engine, each once.

The arena is that of the converted model, to the byte. Where the plain conversion does not
keep the limits, the schedules that the objectives allow are tried in the order of what
they cost.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

from tflm_patch.architecture.spec import Spec
from tflm_patch.architecture.text import format_spec
from tflm_patch.conversion import pipeline, plugins, spec_engine
from tflm_patch.conversion.fit_types import Budget, Fit
from tflm_patch.conversion.options import ConvertOptions
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.writer import serialize_model
from tflm_patch.nas.costs import PLAIN_COSTS
from tflm_patch.nas.needs import Needs, Schedule
from tflm_patch.nas.objectives import Missed, Objectives
from tflm_patch.nas.space import Picks, SearchSpace
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.work import predict

_NO_LIMIT = (1 << 31) - 1
_TRIED = 200  # candidates by chance, before it is said that nothing fits


class Checker:
  """What candidates of a space need.

  Args:
    space: The space.
    objectives: Limits, and the schedules that may be used.

  Attributes:
    checked: How many different candidates were checked.
  """

  def __init__(self, space: SearchSpace, objectives: Objectives) -> None:
    self._space, self._objectives = space, objectives
    limits = objectives.limits
    arena, flash = limits.get('arena', _NO_LIMIT), limits.get('flash')
    self._budget = Budget(int(arena), None if flash is None else int(flash), objectives.core)
    self._fits: dict[Picks, bool] = {}
    self._needs: dict[Picks, Needs] = {}

  @property
  def checked(self) -> int:
    return len(self._fits.keys() | self._needs.keys())

  def fits(self, picks: Picks) -> bool:
    """Whether a candidate keeps all limits, with as little work as that takes."""
    picks = self._space.canonical(picks)
    if picks not in self._fits:
      self._fits[picks] = self._decide(picks)
    return self._fits[picks]

  def needs(self, picks: Picks) -> Needs:
    """What a candidate needs, exactly; under the first schedule that keeps the limits.

    Where none does, under the one without options.
    """
    picks = self._space.canonical(picks)
    if picks not in self._needs:
      self._needs[picks] = self._exactly(picks)
    return self._needs[picks]

  def missed(self, picks: Picks) -> list[Missed]:
    """The limits that a candidate does not keep."""
    return self._objectives.missed(self.needs(picks))

  def require_some(self, candidates: Iterable[Picks]) -> None:
    """Checks that something fits.

    Args:
      candidates: By chance; some of them are tried where the smallest networks do not fit.

    Raises:
      TflmPatchError: nothing does; says which limit the smallest network misses by how much.
    """
    edges = [self._space.smallest(number) for number in range(len(self._space.inputs))]
    if any(self.fits(picks) for picks in edges):
      return
    if any(self.fits(picks) for picks in itertools.islice(candidates, _TRIED)):
      return
    nearest = min(edges, key=lambda picks: sum(each.share for each in self.missed(picks)))
    missed = self.missed(nearest)
    reasons = '; '.join(map(str, missed))
    raise TflmPatchError(
      f'space "{self._space.name}": nothing keeps the limits; its smallest network, '
      f'{format_spec(self._space.spec_of(nearest))}, has {reasons}; {self._advice(missed)}'
    )

  def _advice(self, missed: Iterable[Missed]) -> str:
    # Rows save arena alone.
    if self._objectives.input_rows is None and {each.name for each in missed} == {'arena'}:
      return 'raise the limit, use a smaller space, or let the input come by rows (--input-rows)'
    return 'raise the limit, or use a space with smaller networks'

  def _decide(self, picks: Picks) -> bool:
    spec = self._space.spec_of(picks)
    limits = self._objectives.limits
    fit = spec_engine.decide(spec, self._budget)
    if any(name not in PLAIN_COSTS for name in limits):
      return (fit.fits or len(self._objectives.schedules) > 1) and not self.missed(picks)
    macs = limits.get('macs', math.inf)
    if fit.fits or fit.macs > macs or len(self._objectives.schedules) == 1:
      return fit.fits and fit.macs <= macs
    return not self.missed(picks)

  def _exactly(self, picks: Picks) -> Needs:
    spec, objectives = self._space.spec_of(picks), self._objectives
    plain = self._plain(spec)
    if not objectives.missed(plain):
      return plain
    for schedule in objectives.schedules[1:]:
      if not self._could_help(schedule, spec, plain):
        continue
      found = self._converted(spec, schedule)
      if found is not None and not objectives.missed(found):
        return found
    return plain

  def _plain(self, spec: Spec) -> Needs:
    fit: Fit = spec_engine.exactly(spec, self._budget)
    needs = Needs(
      Schedule.PLAIN,
      fit.arena,
      fit.arena_required,
      fit.flash,
      fit.macs,
      fit.instructions,
      bound_by=fit.bound_by,
    )
    return self._objectives.estimated(needs)

  def _could_help(self, schedule: Schedule, spec: Spec, plain: Needs) -> bool:
    """Whether a schedule may make it fit: only the arena changes much.

    A plan with the input by rows, and the whole input beside it, is a plan without rows:
    so rows save at most the input, unless plans may be slower, too.
    """
    missed = {each.name: each for each in self._objectives.missed(plain)}
    if set(missed) - {'arena', 'instructions', 'milliseconds', 'millijoules'}:
      return False
    if 'arena' not in missed:
      return False
    if schedule is not Schedule.ROWS:
      return True
    rows, cols, channels = spec.input_shape
    return missed['arena'].value - rows * cols * channels <= missed['arena'].limit

  def _converted(self, spec: Spec, schedule: Schedule) -> Needs | None:
    """By a conversion that knows no weights; None where it is not possible."""
    objectives = self._objectives
    blind = plugins.select(()).of_weights().rewrites
    limit = int(objectives.limits['arena']) if schedule.may_be_slower else None
    options = ConvertOptions(
      plugins=tuple(f'-{entry.name}' for entry in blind),
      plan=PlanOptions(arena_bytes=limit),
      input_rows=objectives.input_rows if schedule.feeds_rows else None,
    )
    try:
      result = pipeline.plan(spec_engine.trained_graph(spec), options, format_spec(spec))
    except TflmPatchError:
      return None
    plans = [stage.plan for stage in result.stages]
    is_whole = len(result.model.main.operators) == len(plans)
    core = objectives.core
    instructions = None
    if core is not None and is_whole:
      instructions = sum(predict(plan, core).instructions for plan in plans)
    needs = Needs(
      schedule,
      result.arena.total,
      result.arena.required,
      len(serialize_model(result.model)),
      result.macs,
      instructions,
      bound_by=spec_engine.bound_of(max(plans, key=lambda plan: plan.bytes)) if plans else '',
    )
    return objectives.estimated(needs)
