# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Plans of a stage: the smallest one, others that trade work for memory, the fastest that fits.

A stage can be rewritten so that it needs less memory: bottlenecks of three convolutions
as one operator, gated maps made twice, held rows made again, operators in patches.
Each rewrite costs time, some of them multiply-accumulates. They are tried in the
order of what they cost, together with those before them, so that memory only falls.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TypeVar

from tflm_patch.planner import limits
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.lowering.builder import NotStageable
from tflm_patch.planner.native import library
from tflm_patch.planner.options import PlanOptions, Schedule
from tflm_patch.planner.plan import Planner
from tflm_patch.planner.rewrites import patches
from tflm_patch.planner.rewrites.bottleneck import find_bottlenecks
from tflm_patch.planner.rewrites.combined import Rewrites
from tflm_patch.planner.rewrites.two_pass import find_gates
from tflm_patch.planner.spending import Spending
from tflm_patch.planner.stage_plan import PlanSize, StagePlan
from tflm_patch.planner.two_memories.search import TwoMemories
from tflm_patch.program.records import STEP

Work = TypeVar('Work', int, float, tuple[int, int])  # what makes a plan slow, to be compared

# A rewrite that lowers the peak by less than this part is not chosen.
_WORTH = 0.005
# Bytes of flash that a byte of memory may cost where operators only change their order.
_FLASH_FOR_MEMORY = 2
# Grids of patches that are tried, and how many ranges of operators.
_GRIDS = ((1, 2), (1, 3), (1, 4), (2, 2), (3, 3))
_PATCHED = 6
# Rewrites that are tried where multiply-accumulates may be spent, of a stage of one step.
_SPENDING_TRIES = 12_000_000
_FEWEST_TRIES, _MOST_TRIES = 100, 4000


class StageSearch:
  """The plans of one stage.

  Args:
    graph: What the stage computes.
    reuse_inputs: Stage inputs (positions in graph.inputs) whose bytes may be
      overwritten once they are read.
    options: Budget and objective.
  """

  def __init__(self, graph: StageGraph, reuse_inputs: Sequence[int], options: PlanOptions) -> None:
    self._graph = graph
    self._reuse = reuse_inputs
    self._options = options
    self._budget = options.max_overhead * sum(op.macs for op in graph.ops)
    self._planners: dict[Rewrites, Planner] = {}
    self._steps: list[Rewrites] = []
    self._first: StageSearch | None = None
    self._twice: tuple[StagePlan, ...] | None = None
    self._spendings: dict[tuple[Rewrites, float, int], Rewrites | None] = {}

  @classmethod
  def of_orders(
    cls, graphs: Sequence[StageGraph], reuse_inputs: Sequence[int], options: PlanOptions
  ) -> StageSearch:
    """The search of the graph that has the smallest plan, of graphs of one stage.

    Args:
      graphs: With operators in other orders, the first in that of the model; in doubt that.
      reuse_inputs, options: As of the search.
    """
    first = best = cls(graphs[0], reuse_inputs, options)
    for graph in graphs[1:] if options.schedule == Schedule.AUTO else ():
      other = cls(graph, reuse_inputs, options)
      # A lower peak is not always laid out in less.
      if other.least_bytes() < (1 + _WORTH) * best.least_bytes() and other._is_worth(best):
        best = other
    best._first = None if best is first else first
    return best

  @property
  def is_reordered(self) -> bool:
    """Whether operators are in another order than in the model."""
    return self._first is not None

  @property
  def in_order(self) -> StageSearch:
    """The search of the graph whose operators are in the order of the model."""
    return self._first or self

  @property
  def graph(self) -> StageGraph:
    """What the stage computes, before rewrites."""
    return self._graph

  def with_options(self, options: PlanOptions) -> StageSearch:
    """A search of the same stage that knows what this one has found."""
    other = StageSearch(self._graph, self._reuse, options)
    other._planners = self._planners
    other._spendings = self._spendings
    if self._first is not None:
      other._first = self._first.with_options(options)
    return other

  def gets_below(self, limit: int, floor: int) -> bool:
    """Whether at most `limit` bytes are alive at once in some plan, tensors counted by rows.

    Args:
      limit: In bytes.
      floor: What is below that is all the same.
    """
    return self._planner(Rewrites()).gets_below_tensors(limit, floor)

  def use(self, planner: Planner) -> None:
    """Takes what is known of the stage without rewrites."""
    self._planners[Rewrites()] = planner

  def smallest_size(self) -> PlanSize:
    """What the smallest plan without rewrites needs; sooner than that makes the plan."""
    return self._planner(Rewrites()).smallest_size()

  def _is_worth(self, other: StageSearch) -> bool:
    """Whether this order saves memory that is worth the steps that it writes down."""
    here, there = self.smallest_size(), other.smallest_size()
    least = _WORTH * (there.workspace_bytes + self._planner(Rewrites()).tensor_bytes)
    saved = there.workspace_bytes - here.workspace_bytes
    more_flash = STEP.size * (here.steps - there.steps)
    return saved > least and more_flash <= _FLASH_FOR_MEMORY * saved

  def least_bytes(self) -> int:
    """What the stage needs at least without rewrites, its tensors included."""
    return self._planner(Rewrites()).least_peak()

  def smallest(self) -> StagePlan:
    """The plan with the smallest workspace within the overhead that is allowed.

    Of plans of about the same size, the one with the least work. Without an overhead
    the stage is rewritten for a budget alone. With two memories, those that use both count,
    too.

    Raises:
      NotStageable: the schedule that the options ask for is not possible.
    """
    return min((self._smallest(), *self._in_two_memories()), key=lambda plan: plan.workspace_bytes)

  def _smallest(self) -> StagePlan:
    """`smallest` of one memory."""
    brief = self._options.brief
    if self._options.schedule == Schedule.PATCH:
      return self._patches()
    plain = self._planner(Rewrites())
    if self._options.schedule != Schedule.AUTO:
      # A stream may be longer than a segment can be.
      return plain.fixed(self._options.schedule.value) or plain.smallest(brief)
    if not limits.is_searched_fully(limits.steps_of(self._graph)):
      return plain.smallest(brief)
    if not self._options.may_be_slower:
      # Rewrites cost time, even those that cost no multiply-accumulates.
      return plain.smallest(brief)
    chosen = self._chosen()
    best = self._planner(chosen).smallest(brief)
    # What has a higher peak, or more rewrites, may be laid out better.
    for rewrites in (Rewrites(), _with_all_bottlenecks(self._graph, Rewrites(gates=chosen.gates))):
      planner = self._planner(rewrites)
      if planner.least_peak() < (1 - _WORTH) * best.bytes:
        other = planner.smallest(brief)
        best = other if other.bytes < (1 - _WORTH) * best.bytes else best
    return best

  def fastest(self, workspace_limit: int, work: Callable[[StagePlan], Work]) -> StagePlan | None:
    """The plan with the least work in a workspace of at most this size, if one is found.

    What is tried does not depend on the limit, but for what cannot fit: more memory
    never gives more work.

    Args:
      workspace_limit: In bytes.
      work: What makes a plan slow; of two plans of one graph that have the same steps,
        the one with more scratch has no more of it.
    """
    found: list[tuple[Work, int, StagePlan]] = []

    def offer(plan: StagePlan) -> None:
      if plan.workspace_bytes <= workspace_limit:
        found.append((work(plan), len(found), plan))

    for plan in self._in_two_memories():
      offer(plan)
    outlines = []
    if self._options.balance:
      plain = self._planner(Rewrites())
      for each in plain.streamed_ahead(workspace_limit):
        outlines.append((work(each.at_best), plain, each))
    # What a conversion without a limit takes, and what it takes when nothing faster fits.
    offer(self._planner(Rewrites()).smallest())
    offer(self._smallest())
    if self._options.memories is not None:
      return min(found)[2] if found else None
    for rewrites in self._ladder():
      planner = self._planner(rewrites)
      if planner.least_workspace() <= workspace_limit:
        for each in planner.outlines(workspace_limit):
          outlines.append((work(each.at_best), planner, each))
    for least, planner, outline in sorted(outlines, key=lambda each: each[0]):
      if found and least >= min(found)[0]:
        break
      for plan in planner.realized(outline):
        offer(plan)
    return min(found)[2] if found else None

  def _in_two_memories(self) -> tuple[StagePlan, ...]:
    """Plans that use fast memory, where there is some."""
    options = self._options
    if options.memories is None:
      return ()
    if self._twice is None:
      ladder = self._ladder()
      # Rewrites take less memory and more cycles: some of them are tried.
      tried = dict.fromkeys((ladder[0], ladder[len(ladder) // 2], ladder[-1]))
      planners = [self._planner(rewrites) for rewrites in tried]
      self._twice = TwoMemories(planners, options.memories, options.cpu).plans
    return self._twice

  def _planner(self, rewrites: Rewrites) -> Planner:
    if rewrites not in self._planners:
      self._planners[rewrites] = Planner(rewrites.apply(self._graph), self._reuse)
    return self._planners[rewrites]

  def _peak(self, rewrites: Rewrites) -> int:
    return self._planner(rewrites).least_peak()

  def _chosen(self) -> Rewrites:
    """The rewrites that get about as low as all of them."""
    return self._ladder()[-1]

  def _ladder(self) -> list[Rewrites]:
    """From nothing to the rewrites that need the least memory, step by step."""
    if not limits.is_searched_fully(limits.steps_of(self._graph)):
      return [Rewrites()]
    if not self._steps:
      gates = self._gate_steps()
      all_blocks = [_with_all_bottlenecks(self._graph, step) for step in gates]
      k = _first_as_low_as_last(all_blocks, self._peak)
      bottlenecks = _bottleneck_steps(self._graph, gates[k])
      j = _first_as_low_as_last(bottlenecks, self._peak)
      before = [*_bottleneck_steps(self._graph, gates[0]), *all_blocks[1:k]] if k else []
      self._steps = [*before, *bottlenecks[: j + 1]]
      if self._options.max_overhead > 1.0:
        self._steps += self._with_less_held(bottlenecks[j])
        self._steps += self._in_patches(self._steps[-1])
        self._steps += self._spent(bottlenecks[j])
    return self._steps

  def _gate_steps(self) -> list[Rewrites]:
    """More and more maps made twice, those that save the most first."""
    budget = self._budget - sum(op.macs for op in self._graph.ops)
    steps, chosen = [Rewrites()], []
    gates = find_gates(self._graph) if budget > 0 else []
    for k, gate in enumerate(gates):
      if gate.macs > budget:
        continue
      budget -= gate.macs
      chosen.append(gate)
      # Blocks of the same size bound the memory together.
      if k + 1 == len(gates) or gates[k + 1].saved_bytes != gate.saved_bytes:
        steps.append(Rewrites(gates=tuple(chosen)))
    return steps

  def _with_less_held(self, rewrites: Rewrites) -> list[Rewrites]:
    """Steps that make shared rows of bottlenecks again, as long as that lowers the peak."""
    steps: list[Rewrites] = []
    useful = 0
    best = self._peak(rewrites)
    while True:
      planner = self._planner(rewrites)
      lower = self._cheapest(rewrites, planner.bounding_operators())
      # What is bounded by several bottlenecks falls when less is held of all of them.
      if lower is None or self._peak(lower) > planner.least_peak():
        return steps[:useful]
      rewrites = lower
      steps.append(rewrites)
      if self._peak(rewrites) <= (1 - _WORTH) * best:
        best = self._peak(rewrites)
        useful = len(steps)

  def _in_patches(self, rewrites: Rewrites) -> list[Rewrites]:
    """Patches of the operators that bound the memory, if they get lower than this."""
    best, limit = None, (1 - _WORTH) * self._peak(rewrites)
    bounding = set(self._planner(rewrites).bounding_operators())
    ranges = [
      (patches.least_bytes(self._graph, first, depth), first, depth)
      for first in range(len(self._graph.ops))
      for depth in patches.depths(self._graph, first)
      if any(op.name in bounding for op in self._graph.ops[first:depth])
    ]
    for least, first, depth in sorted(ranges)[:_PATCHED]:
      for grid in _GRIDS if least < limit else ():
        step = Rewrites(patched=(first, depth, grid))
        try:
          planner = self._planner(step)
        except NotStageable:  # the grid is larger than the map
          continue
        if planner.macs <= self._budget and planner.gets_below(limit):
          best, limit = step, (1 - _WORTH) * self._peak(step)
    return [] if best is None else [best]

  def _spent(self, base: Rewrites) -> list[Rewrites]:
    """All blocks varied together, if that gets lower than what was found before."""

    def measure(rewrites: Rewrites) -> tuple[int, int]:
      planner = self._planners.get(rewrites) or Planner(rewrites.apply(self._graph), self._reuse)
      return planner.least_peak(), planner.macs

    tries = _SPENDING_TRIES // limits.steps_of(self._graph)
    tries = min(max(tries, _FEWEST_TRIES), _MOST_TRIES)
    if library.load() is None or self._options.brief:
      tries = min(tries, _FEWEST_TRIES)
    key = base, self._budget, tries
    if key not in self._spendings:
      self._spendings[key] = Spending(self._graph, base, self._budget, measure, tries).search()
    found = self._spendings[key]
    if found is None or self._planner(found).macs > self._budget:
      return []
    limit = (1 - _WORTH) * min(self._peak(step) for step in self._steps)
    return [found] if self._peak(found) < limit else []

  def _cheapest(self, rewrites: Rewrites, names: Sequence[str]) -> Rewrites | None:
    """Less held of the operator among these for which it saves the most for its price."""
    here = self._planner(rewrites)
    steps = (rewrites.with_less_held(name) for name in names)
    lower = [step for step in steps if step is not None]
    affordable = [step for step in lower if self._planner(step).macs <= self._budget]

    def price(step: Rewrites) -> float:
      there = self._planner(step)
      return (there.macs - here.macs) / max(1, here.scratch_bytes - there.scratch_bytes)

    return min(affordable, key=price, default=None)

  def _patches(self) -> StagePlan:
    """Patches as MCUNetV2 has them; the operators behind them as the search cuts them.

    Raises:
      NotStageable: no operator can run in patches, or the grid does not fit.
    """
    options = self._options
    depths = patches.depths(self._graph)
    if options.patch_depth is not None:
      if options.patch_depth not in depths:
        known = ', '.join(map(str, depths)) or 'none'
        raise NotStageable(f'a patch depth of {options.patch_depth} is not possible; {known} is')
      depths = [options.patch_depth]
    if not depths:
      raise NotStageable('its first operator cannot run in patches')
    depth = min(depths, key=lambda d: (patches.estimate_peak(self._graph, d, options.grid), d))
    return self._planner(Rewrites(patched=(0, depth, options.grid))).smallest(brief=True)


def _bottleneck_steps(graph: StageGraph, rewrites: Rewrites) -> list[Rewrites]:
  """More and more bottlenecks as one operator, those that save the most first."""
  bottlenecks = find_bottlenecks(rewrites.apply(graph))
  steps = [rewrites]
  for k, bottleneck in enumerate(bottlenecks, 1):
    if k == len(bottlenecks) or bottlenecks[k].saved_bytes != bottleneck.saved_bytes:
      chosen = tuple((each, 1.0) for each in bottlenecks[:k])
      steps.append(dataclasses.replace(rewrites, bottlenecks=chosen))
  return steps


def _with_all_bottlenecks(graph: StageGraph, rewrites: Rewrites) -> Rewrites:
  return _bottleneck_steps(graph, rewrites)[-1]


def _first_as_low_as_last(steps: Sequence[Rewrites], peak: Callable[[Rewrites], int]) -> int:
  """Index of the first step that is about as low as the last; peaks only fall."""
  low, high = 0, len(steps) - 1
  while low < high:
    middle = (low + high) // 2
    if peak(steps[middle]) <= (1 + _WORTH) * peak(steps[-1]):
      high = middle
    else:
      low = middle + 1
  return low


def work_of(plan: StagePlan) -> tuple[int, int]:
  """What makes a plan slow: multiply-accumulates, then kernel calls."""
  return plan.macs, plan.dispatches
