# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The plan of a stage: segments, schedules, places in memory."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from tflm_patch.planner import limits
from tflm_patch.planner.ir.stage_graph import InPlace, MapRole, Role, StageGraph, View
from tflm_patch.planner.memory import items as needs
from tflm_patch.planner.memory import layout, layout_search, packing
from tflm_patch.planner.rewrites import feed
from tflm_patch.planner.schedule import order, segments
from tflm_patch.planner.schedule.live_ranges import RowLives, Timeline
from tflm_patch.program import records as program

# How often the segment that bounds the memory is ruled out, to try other cuts: what
# has the lowest peak is not always what is laid out best.
_OTHER_CUTS = 2
# Peaks that cuts are looked for to find fast plans: the least one, and so much more each.
_PEAKS = 24
_PEAK_STEP = 1.125


@dataclasses.dataclass(frozen=True)
class Peak:
  """The moment of a segment at which the most memory is alive.

  Attributes:
    bytes: Alive, the stage's tensors included where they are.
    op: The operator that runs.
    row: Its step.
    parts: (what, bytes), the largest first.
  """

  bytes: int
  op: int
  row: int
  parts: tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True)
class SegmentPlan:
  """A part of a stage under one schedule.

  Attributes:
    schedule: 'layer' or 'stream'.
    first_op, last_op: Operators [first_op, last_op) of the stage.
    steps: (operator of the stage or program.PAUSE, first step, count).
    peak: When the most memory is alive.
  """

  schedule: str
  first_op: int
  last_op: int
  steps: tuple[tuple[int, int, int], ...]
  peak: Peak


@dataclasses.dataclass(frozen=True)
class MapPlan:
  """Where a feature map lies.

  Slot s of its ring_rows slots lies at offset + s * row_bytes of the region when
  s < split, else at split_offset + (s - split) * row_bytes of split_region.
  Regions are as in program.Region; TENSOR + i is the stage's i-th tensor.
  """

  region: int
  offset: int
  ring_rows: int
  row_bytes: int
  split: int
  split_region: int = 0
  split_offset: int = 0


@dataclasses.dataclass(frozen=True)
class ScratchPlan:
  """Where an operator's private memory lies."""

  region: int
  offset: int
  bytes: int


@dataclasses.dataclass(frozen=True)
class StagePlan:
  """Everything about a stage but its constants.

  Attributes:
    scratch: Of each operator; None without.
    workspace_bytes: Multiple of 16.
    tensor_bytes: Of the stage's tensors whose memory it uses.
  """

  graph: StageGraph
  segments: tuple[SegmentPlan, ...]
  maps: tuple[MapPlan, ...]
  scratch: tuple[ScratchPlan | None, ...]
  workspace_bytes: int
  tensor_bytes: int

  @property
  def bytes(self) -> int:
    """What the stage needs, its tensors whose memory it uses included."""
    return self.workspace_bytes + self.tensor_bytes

  @property
  def macs(self) -> int:
    return sum(op.macs for op in self.graph.ops)

  @property
  def dispatches(self) -> int:
    """Kernel calls of an inference."""
    calls = {i: op.calls for i, op in enumerate(self.graph.ops) if op.calls > 1}
    steps = (step for segment in self.segments for step in segment.steps)
    return sum(count * calls[i] if i in calls else 1 for i, _, count in steps)


@dataclasses.dataclass(frozen=True)
class PlanSize:
  """What a plan needs, without the plan.

  Attributes:
    workspace_bytes: Multiple of 16.
    segments, steps: How many there are in its program.
    peak_op: The operator during which the most memory is alive.
  """

  workspace_bytes: int
  segments: int
  steps: int
  peak_op: int


@dataclasses.dataclass(frozen=True)
class Outline:
  """Cuts whose rows have no places yet.

  Attributes:
    cuts: Operators [first, last) of each segment.
    peak_bytes: The most bytes alive, the stage's tensors included.
    at_best: What the plan would be if every operator got all scratch that helps it; it
      has no maps.
  """

  cuts: segments.Cuts
  peak_bytes: int
  at_best: StagePlan


class Planner:
  """Plans of one stage.

  Args:
    graph: What the stage computes.
    reuse_inputs: Stage inputs (positions in graph.inputs) whose bytes may be
      overwritten once they are read.

  Raises:
    NotStageable: it is too much work to plan.
  """

  def __init__(self, graph: StageGraph, reuse_inputs: Sequence[int] = ()) -> None:
    limits.check_graph(graph)
    self._graph = graph
    fed = needs.fed_maps(graph)
    self._reusable = [m for m in (graph.inputs[i] for i in reuse_inputs) if m not in fed]
    self._search = segments.SegmentSearch(graph, self._reusable)
    self._tensors = [*self._reusable, *graph.outputs]
    self._tensor_bytes = sum(graph.maps[m].bytes for m in self._tensors)
    self._least: int | None = None
    self._smallest: _LaidOut | None = None
    self._plan: StagePlan | None = None
    self._tried: list[Outline] | None = None
    self._realized: dict[segments.Cuts, tuple[StagePlan, ...]] = {}

  @property
  def macs(self) -> int:
    return sum(op.macs for op in self._graph.ops)

  @property
  def tensor_bytes(self) -> int:
    """Of the stage's tensors whose memory it uses."""
    return self._tensor_bytes

  @property
  def scratch_bytes(self) -> int:
    return sum(op.scratch_bytes for op in self._graph.ops)

  def least_peak(self) -> int:
    """The fewest bytes alive at the peak of any plan, the stage's tensors included."""
    if self._least is None:
      self._least = self._search.least_peak(self._tensor_bytes)
    return self._least

  def gets_below(self, limit: float) -> bool:
    """Whether `least_peak()` is below a limit; less work than that where it is not."""
    if self._least is None:
      found = self._search.least_peak(self._tensor_bytes, limit)
      if found >= limit:
        return False
      self._least = found
    return self._least < limit

  def least_workspace(self) -> int:
    """Bytes that no plan's workspace can go below."""
    return layout.aligned(self.least_peak() - self._tensor_bytes)

  def bounding_operators(self) -> list[str]:
    """Names of the operators of the segment in which a smallest plan needs the most."""
    cuts = self._search.fewest_dispatches(self.least_peak())
    assert cuts is not None
    first, last = self._simulate(cuts).bounding_segment()
    return [op.name for op in self._graph.ops[first:last]]

  def smallest(self, brief: bool = False) -> StagePlan:
    """The plan with the smallest workspace that was found; less time is spent if brief."""
    if brief and self._plan is None:
      return self._finish(self._find_smallest(brief))
    if self._plan is None:
      self._plan = self._finish(self._smallest_layout())
    return self._plan

  def smallest_workspace(self) -> int:
    """Bytes of the workspace of `smallest()`, sooner than that makes its plan."""
    return self._smallest_layout().layout.bytes

  def fits(self, workspace_limit: int) -> bool:
    """Whether a plan is found whose workspace has at most this size.

    No where a lower bound says it, yes with the first layout that fits, else what
    the search for the smallest plan says.
    """
    if self._smallest is not None or self.least_workspace() > workspace_limit:
      return self._smallest is not None and self.smallest_workspace() <= workspace_limit
    cuts = self._search.fewest_dispatches(self.least_peak())
    assert cuts is not None
    below = workspace_limit + 1
    if self._lay_out(self._simulate(cuts), below, brief=True, enough=workspace_limit):
      return True
    return self.smallest_workspace() <= workspace_limit

  def smallest_size(self) -> PlanSize:
    """What `smallest()` needs, sooner than that makes its plan."""
    return self._size(self._smallest_layout())

  def size_within(self, workspace_limit: int) -> PlanSize | None:
    """A plan of at most this workspace, found without much search; None where that needs more."""
    peak = self._tensor_bytes + workspace_limit
    # What leaves some room is laid out at once.
    for limit in (max(self.least_peak(), peak - peak // 8), self.least_peak()):
      cuts = self._search.fewest_dispatches(limit)
      if cuts is None:
        continue
      below = workspace_limit + 1
      found = self._lay_out(self._simulate(cuts), below, brief=True, enough=workspace_limit)
      if found is not None:
        # Some of what was allowed may be left.
        used = found.layout.used_bytes(found.needs.items)
        return dataclasses.replace(self._size(found), workspace_bytes=used)
    return None

  def _size(self, chosen: _LaidOut) -> PlanSize:
    operators = np.asarray(chosen.operators)
    begins = np.flatnonzero(np.diff(operators, prepend=-1))
    runs = np.diff(begins, append=operators.size)
    at = int(chosen.needs.live_bytes().argmax())
    return PlanSize(
        chosen.layout.bytes,
        len(chosen.cuts),
        int((-(-runs // program.MAX_STEP_ROWS)).sum()),
        int(operators[at]),
    )

  def _smallest_layout(self) -> _LaidOut:
    if self._smallest is None:
      self._smallest = self._find_smallest(brief=False)
    return self._smallest

  def _find_smallest(self, brief: bool) -> _LaidOut:
    least = self.least_peak()
    best: _LaidOut | None = None
    without: set[tuple[int, int]] = set()
    limit = least
    for _ in range(1 + _OTHER_CUTS):
      cuts = self._search.fewest_dispatches(limit, without)
      if cuts is None:
        break
      candidate = self._simulate(cuts)
      below = None if best is None else best.layout.bytes
      best = self._lay_out(candidate, below, brief) or best
      assert best is not None
      limit = self._tensor_bytes + best.layout.bytes - layout.ALIGNMENT
      if limit < least:
        break
      without.add(candidate.bounding_segment())
    assert best is not None
    return best

  def gets_below_tensors(self, limit: int, floor: int) -> bool:
    """Whether at most `limit` bytes are alive at once in some plan, tensors counted by rows.

    Args:
      limit: In bytes.
      floor: What is below that is all the same.
    """
    return self._search.least_peak(floor, limit + 1) <= limit

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

  def _outline(self, cuts: segments.Cuts) -> Outline:
    candidate = self._simulate(cuts)
    return Outline(cuts, candidate.peak_bytes, self._at_best(candidate))

  def _at_best(self, candidate: _Candidate) -> StagePlan:
    """A plan without places, in which every operator has the scratch that it is fastest with."""
    plans = tuple(
        SegmentPlan('', first, last, _join(self._graph, steps, None), Peak(0, 0, 0, ()))
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
      laid_out = self._lay_out(self._simulate(outline.cuts), None, brief=True)
      assert laid_out is not None
      plans = [self._finish(laid_out)]
      roomy = self._finish(_with_room(self._graph, laid_out))
      if roomy.scratch != plans[0].scratch:
        plans.append(_without_spare_room(roomy, laid_out.layout.bytes))
      self._realized[outline.cuts] = tuple(plans)
    return self._realized[outline.cuts]

  def fixed(self, schedule: str) -> StagePlan | None:
    """Every operator for itself ('layer'), or all in one 'stream' if that is possible."""
    n = len(self._graph.ops)
    if schedule == 'stream' and n > program.MAX_OPS:
      return None
    cuts = ((0, n),) if schedule == 'stream' else tuple((i, i + 1) for i in range(n))
    found = self._lay_out(self._simulate(cuts), None, brief=True)
    assert found is not None
    return self._finish(found)

  def _finish(self, chosen: _LaidOut) -> StagePlan:
    limits.check_workspace(chosen.layout.bytes)
    return _finish(self._graph, chosen, self._tensors, self._tensor_bytes)

  def _simulate(self, cuts: segments.Cuts) -> _Candidate:
    return _Candidate(self._graph, cuts, *self._search.run(cuts))

  def _lay_out(
      self,
      candidate: _Candidate,
      below: int | None,
      brief: bool = False,
      enough: int = 0,
  ) -> _LaidOut | None:
    """None when no workspace of less than `below` bytes was found.

    None below `enough` is looked for.
    """
    needed = candidate.needs
    regions = [
        layout.Region(self._graph.maps[m].bytes, needed.tensors[m]) for m in self._tensors
    ]
    found = layout_search.find_layout(
        needed.items, regions, needed.length, limit=below, brief=brief, enough=enough
    )
    if found is None:
      return None
    return _LaidOut(
        self._graph, candidate.cuts, candidate.operators, needed, tuple(regions), found
    )


@dataclasses.dataclass(frozen=True)
class _Candidate:
  graph: StageGraph
  cuts: segments.Cuts
  operators: Sequence[int]  # which one runs at each time
  needs: needs.Needs

  @functools.cached_property
  def steps(self) -> tuple[tuple[order.Step, ...], ...]:
    """The steps of each segment."""
    done = [0] * len(self.graph.ops)
    steps = []
    for i in self.operators:
      steps.append((i, done[i]))
      done[i] += 1
    ends = list(itertools.accumulate(map(self._length, self.cuts), initial=0))
    return tuple(tuple(steps[a:b]) for a, b in itertools.pairwise(ends))

  @property
  def peak_bytes(self) -> int:
    return int(self.needs.live_bytes().max())

  def bounding_segment(self) -> tuple[int, int]:
    """The segment during which the most memory is alive."""
    at = int(self.needs.live_bytes().argmax())
    for cut in self.cuts:
      if at < self._length(cut):
        return cut
      at -= self._length(cut)
    raise AssertionError('unreachable')

  def _length(self, cut: tuple[int, int]) -> int:
    return sum(op.steps for op in self.graph.ops[slice(*cut)])


@dataclasses.dataclass(frozen=True)
class _LaidOut(_Candidate):
  regions: tuple[layout.Region, ...]
  layout: layout.Layout


def _whole_bytes(graph: StageGraph) -> int:
  return sum(m.bytes for m in graph.maps if m.role != MapRole.CONSTANT and m.view is None) + sum(
      op.scratch_bytes for op in graph.ops
  )


def _with_room(graph: StageGraph, chosen: _LaidOut) -> _LaidOut:
  """With room behind everything for the largest scratch that makes an operator faster."""
  more = max((max(op.spare_scratch, default=0) for op in graph.ops), default=0)
  size = chosen.layout.bytes + layout.aligned(more)
  return dataclasses.replace(chosen, layout=dataclasses.replace(chosen.layout, bytes=size))


def _without_spare_room(plan: StagePlan, least: int) -> StagePlan:
  ends = [
      place.offset + place.bytes
      for place in plan.scratch
      if place is not None and place.region == program.Region.WORKSPACE
  ]
  return dataclasses.replace(plan, workspace_bytes=layout.aligned(max([least, *ends])))


def _finish(
    graph: StageGraph, chosen: _LaidOut, tensors: Sequence[int], tensor_bytes: int
) -> StagePlan:
  all_tensors = [*graph.inputs, *graph.outputs]
  regions = [program.Region.WORKSPACE.value]
  regions += [program.Region.TENSOR + all_tensors.index(m) for m in tensors]
  maps: list[MapPlan | None] = [_own_place(graph, m) for m in range(len(graph.maps))]
  scratch: list[ScratchPlan | None] = _spare_scratch(graph, chosen, regions)
  for need, place in zip(chosen.needs.needs, chosen.layout.places):
    if need.op is not None:
      piece = place.pieces[0]
      size = graph.ops[need.op].scratch_bytes
      scratch[need.op] = ScratchPlan(regions[piece.region], piece.offset, size)
      continue
    assert need.map is not None
    for m, how in ((need.map, InPlace(0)), *need.guests):
      at = need.gap_bytes - how.gap_bytes
      shared = _map_plan(need.item, place, regions, how, at)
      maps[m] = _without_spare_slots(shared, graph.maps[m].rows)
  for m, feature_map in enumerate(graph.maps):
    if feature_map.view is not None:
      base = maps[feature_map.view.base]
      assert base is not None
      maps[m] = _view_plan(graph, m, feature_map.view, base)
  finished = tuple(m for m in maps if m is not None)
  assert len(finished) == len(graph.maps)
  return StagePlan(
      graph,
      tuple(_segment_plans(graph, chosen)),
      finished,
      tuple(scratch),
      chosen.layout.bytes,
      tensor_bytes,
  )


def _spare_scratch(
    graph: StageGraph, chosen: _LaidOut, regions: Sequence[int]
) -> list[ScratchPlan | None]:
  """Scratch that is free anyway, for operators that are faster with some."""
  scratch: list[ScratchPlan | None] = [None] * len(graph.ops)
  wishes = [i for i, op in enumerate(graph.ops) if op.spare_scratch and not op.scratch_bytes]
  # What computes the most comes first.
  wishes.sort(key=lambda i: -graph.ops[i].macs)
  timeline = Timeline(graph, [step for part in chosen.steps for step in part])
  items = []
  for i in wishes:
    first, last = timeline.span(i)
    life = RowLives(np.array([first]), np.array([last]))
    items.append([
        layout.Item(size, (life,), layout.ALIGNMENT) for size in graph.ops[i].spare_scratch
    ])
  places = packing.place_beside(chosen.layout, chosen.needs.items, chosen.regions, items)
  for i, place in zip(wishes, places):
    if place is not None:
      piece = place.pieces[0]
      size = graph.ops[i].spare_scratch[place.shape]
      scratch[i] = ScratchPlan(regions[piece.region], piece.offset, size)
  return scratch


def _own_place(graph: StageGraph, m: int) -> MapPlan | None:
  """The place of a tensor or a constant; None for a map that the layout places."""
  feature_map = graph.maps[m]
  if feature_map.role == MapRole.INTERNAL or feature_map.view is not None:
    return None
  region = program.Region.CONSTANTS.value
  if feature_map.role != MapRole.CONSTANT:
    region = program.Region.TENSOR + [*graph.inputs, *graph.outputs].index(m)
  rows = feature_map.rows
  return MapPlan(region, 0, rows, feature_map.row_bytes, rows)


def _map_plan(
    item: layout.Item, place: layout.Place, regions: Sequence[int], how: InPlace, at: int
) -> MapPlan:
  """Row r lies `at` bytes into the slot of the item's row r * row_step - row_shift."""
  first, *rest = place.pieces
  slots = len(item.shapes[place.shape].made)
  if rest:
    second = rest[0]
    return MapPlan(
        regions[first.region], first.offset, slots, item.slot_bytes, first.count,
        regions[second.region], second.offset,
    )  # fmt: skip
  region, offset = regions[first.region], first.offset + at
  if (how.row_step, how.row_shift) == (1, 0):
    return MapPlan(region, offset, slots, item.slot_bytes, slots)
  row_bytes = item.slot_bytes if how.row_step == 1 else -item.slot_bytes  # 2 is -1 modulo 3
  start = -how.row_shift % slots
  # Slots from `start` to the end of the ring, in the guest's direction; then the others.
  split = slots - start if row_bytes > 0 else start + 1
  back = 0 if row_bytes > 0 else slots - 1
  return MapPlan(
      region, offset + start * item.slot_bytes, slots, row_bytes, split,
      region, offset + back * item.slot_bytes,
  )  # fmt: skip


def _without_spare_slots(place: MapPlan, rows: int) -> MapPlan:
  """A map of fewer rows than the ring that it shares uses the first slots."""
  slots = min(place.ring_rows, rows)
  return dataclasses.replace(place, ring_rows=slots, split=min(place.split, slots))


def _view_plan(graph: StageGraph, m: int, view: View, base: MapPlan) -> MapPlan:
  """A part of a whole map, in the same one or two pieces."""
  feature_map = graph.maps[m]
  rows = feature_map.rows
  left = view.left * feature_map.row_bytes // feature_map.cols
  first = base.offset + view.top * base.row_bytes + left
  second = base.split_offset + (view.top - base.split) * base.row_bytes + left
  split = base.split - view.top
  if split <= 0:
    return MapPlan(base.split_region, second, rows, base.row_bytes, rows)
  if split >= rows:
    return MapPlan(base.region, first, rows, base.row_bytes, rows)
  return MapPlan(
      base.region, first, rows, base.row_bytes, split,
      base.split_region, base.split_offset + left,
  )  # fmt: skip


def _segment_plans(graph: StageGraph, chosen: _LaidOut) -> Iterator[SegmentPlan]:
  live = chosen.needs.live_bytes()
  alive = _Alive(graph, chosen.needs)
  band = feed.band_rows(graph)
  begin = 0
  for (first, last), steps in zip(chosen.cuts, chosen.steps):
    end = begin + len(steps)
    at = begin + int(live[begin:end].argmax())
    op, row = steps[at - begin]
    peak = Peak(int(live[at]), op, row, alive.parts(at))
    schedule = 'layer' if last == first + 1 else 'stream'
    yield SegmentPlan(schedule, first, last, _join(graph, steps, band), peak)
    begin = end


class _Alive:
  """What is alive at a time, by name."""

  def __init__(self, graph: StageGraph, needed: needs.Needs) -> None:
    named = [(need.ring, *_describe(graph, need)) for need in needed.needs]
    for m, item in needed.tensors.items():
      role = graph.maps[m].role.value
      named.append((item, f'rows of {role}', graph.maps[m].name))
    self._names = [(what, name) for _, what, name in named]
    self._slot_bytes = [item.slot_bytes for item, _, _ in named]
    rows = [item.rows for item, _, _ in named]
    self._made = np.concatenate([each.made for each in rows])
    self._last = np.concatenate([each.last for each in rows])
    self._begins = np.cumsum([0, *(len(each.made) for each in rows[:-1])])

  def parts(self, at: int) -> tuple[tuple[str, int], ...]:
    """(what, bytes), the largest first."""
    is_alive = (self._made <= at) & (self._last >= at)
    counts = np.add.reduceat(is_alive, self._begins, dtype=np.int64)
    parts = []
    for i in np.flatnonzero(counts).tolist():
      slots = int(counts[i])
      what, name = self._names[i]
      text = what if slots == 1 or 'rows' not in what else f'{slots} {what}'
      parts.append((f'{text} "{name}"' if name else text, slots * self._slot_bytes[i]))
    return tuple(sorted(parts, key=lambda part: -part[1]))


def _describe(graph: StageGraph, need: needs.Need) -> tuple[str, str]:
  if need.op is not None:
    return f'sums of {graph.ops[need.op].name}', ''
  assert need.map is not None
  return 'ring rows of' if need.is_ring else 'rows of', graph.maps[need.map].name


def _join(
    graph: StageGraph, steps: Sequence[order.Step], band: int | None
) -> tuple[tuple[int, int, int], ...]:
  """Joins consecutive steps of an operator; a pause before each band but the first."""
  joined: list[tuple[int, int, int]] = []
  for i, t in steps:
    if band is not None and graph.ops[i].role is Role.FEED and t and t % band == 0:
      joined.append((program.PAUSE, 0, 0))
    elif joined:
      last, first, count = joined[-1]
      if last == i and first + count == t and count < program.MAX_STEP_ROWS:
        joined[-1] = last, first, count + 1
        continue
    joined.append((i, t, 1))
  return tuple(joined)
