# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From segments whose rows have places to the plan of a stage."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tflm_patch.planner.ir.stage_graph import InPlace, MapRole, StageGraph, View
from tflm_patch.planner.memory import buffers as memory_buffers
from tflm_patch.planner.memory import layout, packing, sharing
from tflm_patch.planner.memory.state import state_of
from tflm_patch.planner.rewrites import feed
from tflm_patch.planner.schedule import order, segments
from tflm_patch.planner.schedule.live_ranges import LiveRanges, Timeline
from tflm_patch.planner.stage_plan import MapPlan, Peak, ScratchPlan, SegmentPlan, StagePlan
from tflm_patch.program import records as program
from tflm_patch.program.kinds import Role


@dataclasses.dataclass(frozen=True)
class Candidate:
  """Segments and what they need in memory, without places.

  Attributes:
    graph: The stage.
    cuts: Operators [first, last) of each segment.
    operators: Which one runs at each time.
    buffers: Of memory.
  """

  graph: StageGraph
  cuts: segments.Cuts
  operators: Sequence[int]
  buffers: memory_buffers.Buffers

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
    return self.buffers.peak_bytes

  def bounding_segment(self) -> tuple[int, int]:
    """The segment during which the most memory is alive."""
    at = int(self.buffers.live_bytes().argmax())
    for cut in self.cuts:
      if at < self._length(cut):
        return cut
      at -= self._length(cut)
    raise AssertionError('unreachable')

  def _length(self, cut: tuple[int, int]) -> int:
    return sum(op.steps for op in self.graph.ops[slice(*cut)])


_ROOMS = 8  # that are tried


@dataclasses.dataclass(frozen=True)
class LaidOut(Candidate):
  """Segments with places for all that they need.

  Attributes:
    regions: Memory of the stage's tensors that may be used.
    layout: The places.
  """

  regions: tuple[layout.Region, ...]
  layout: layout.Layout

  @property
  def workspace_bytes(self) -> int:
    return self.layout.bytes

  @property
  def arena_buffers(self) -> memory_buffers.Buffers:
    """What lies in the arena."""
    return self.buffers


def with_room(graph: StageGraph, chosen: LaidOut) -> Iterator[LaidOut]:
  """With room behind everything: for the largest scratch that makes an operator faster, or less."""
  more = max((max(op.spare_scratch, default=0) for op in graph.ops), default=0)
  for part in range(_ROOMS, 0, -1):
    size = chosen.layout.bytes + layout.aligned(more * part // _ROOMS)
    yield dataclasses.replace(chosen, layout=dataclasses.replace(chosen.layout, bytes=size))


def without_spare_room(plan: StagePlan, least: int) -> StagePlan:
  """The plan with a workspace no larger than its scratch needs, and at least of `least` bytes."""
  ends = [
    place.offset + place.bytes
    for place in plan.scratch
    if place is not None and place.region == program.Region.WORKSPACE
  ]
  return dataclasses.replace(plan, workspace_bytes=layout.aligned(max([least, *ends])))


@dataclasses.dataclass(frozen=True)
class LaidOutTwice(LaidOut):
  """Segments with places in two memories; the fast one is the region behind all others.

  Attributes:
    fast_bytes: That are used of it, a multiple of 16.
    spare: Of operators that have scratch there which they could do without: size and offset.
    in_fast: Which buffers lie there.
  """

  fast_bytes: int
  spare: Mapping[int, tuple[int, int]]
  in_fast: frozenset[int]

  @property
  def arena_buffers(self) -> memory_buffers.Buffers:
    buffers = (each for b, each in enumerate(self.buffers.buffers) if b not in self.in_fast)
    return dataclasses.replace(self.buffers, buffers=tuple(buffers))


def finish(
  graph: StageGraph, chosen: LaidOut, tensors: Sequence[int], tensor_bytes: int
) -> StagePlan:
  """The plan with the places that were found.

  Args:
    graph: The stage.
    chosen: Its segments, laid out.
    tensors: Maps of the stage's tensors whose memory it uses, in the order of the regions.
    tensor_bytes: What they take.
  """
  all_tensors = [*graph.inputs, *graph.outputs]
  regions = [program.Region.WORKSPACE.value]
  regions += [program.Region.TENSOR + all_tensors.index(m) for m in tensors]
  fast_bytes = 0
  scratch: list[ScratchPlan | None]
  if isinstance(chosen, LaidOutTwice):
    fast_bytes, fast = chosen.fast_bytes, program.Region.FAST.value
    regions.append(fast)
    spare = (chosen.spare.get(i) for i in range(len(graph.ops)))
    scratch = [None if at is None else ScratchPlan(fast, at[1], at[0]) for at in spare]
  else:
    scratch = _spare_scratch(graph, chosen, regions)
  sharers = sharing.sharers(graph, chosen.cuts)
  maps: list[MapPlan | None] = [_own_place(graph, m) for m in range(len(graph.maps))]
  for buffer, place in zip(chosen.buffers.buffers, chosen.layout.places):
    if buffer.op is not None:
      piece = place.pieces[0]
      for i in sharers.get(buffer.op, (buffer.op,)):
        size = graph.ops[i].scratch_bytes
        scratch[i] = ScratchPlan(regions[piece.region], piece.offset, size)
      continue
    assert buffer.map is not None
    for m, how in ((buffer.map, InPlace(0)), *buffer.guests):
      at = buffer.gap_bytes - how.gap_bytes
      shared = _map_plan(buffer.item, place, regions, how, at)
      maps[m] = _without_spare_slots(shared, graph.maps[m].rows)
  for m, out in chosen.buffers.in_outputs.items():
    maps[m] = maps[out]
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
    fast_bytes,
  )


def _spare_scratch(
  graph: StageGraph, chosen: LaidOut, regions: Sequence[int]
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
    live = LiveRanges(np.array([first]), np.array([last]))
    items.append(
      [layout.Item(size, (live,), layout.ALIGNMENT) for size in graph.ops[i].spare_scratch]
    )
  places = packing.place_beside(chosen.layout, chosen.buffers.items, chosen.regions, items)
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
  rows = feature_map.rows
  if feature_map.role == MapRole.KEPT:
    at = state_of(graph).offsets[m]
    return MapPlan(program.Region.STATE, at, rows, feature_map.row_bytes, rows)
  region = program.Region.CONSTANTS.value
  if feature_map.role != MapRole.CONSTANT:
    region = program.Region.TENSOR + [*graph.inputs, *graph.outputs].index(m)
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
      regions[first.region],
      first.offset,
      slots,
      item.slot_bytes,
      first.count,
      regions[second.region],
      second.offset,
    )
  region, offset = regions[first.region], first.offset + at
  if (how.row_step, how.row_shift) == (1, 0):
    return MapPlan(region, offset, slots, item.slot_bytes, slots)
  row_bytes = item.slot_bytes if how.row_step == 1 else -item.slot_bytes  # 2 is -1 modulo 3
  start = -how.row_shift % slots
  # Slots from `start` to the end of the ring, in the guest's direction; then the others.
  split = slots - start if row_bytes > 0 else start + 1
  back = 0 if row_bytes > 0 else slots - 1
  return MapPlan(
    region,
    offset + start * item.slot_bytes,
    slots,
    row_bytes,
    split,
    region,
    offset + back * item.slot_bytes,
  )


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
    base.region, first, rows, base.row_bytes, split, base.split_region, base.split_offset + left
  )


def _segment_plans(graph: StageGraph, chosen: LaidOut) -> Iterator[SegmentPlan]:
  live = chosen.arena_buffers.live_bytes()
  alive = _Alive(graph, chosen.arena_buffers)
  band = feed.band_rows(graph)
  begin = 0
  for (first, last), steps in zip(chosen.cuts, chosen.steps):
    end = begin + len(steps)
    at = begin + int(live[begin:end].argmax())
    op, row = steps[at - begin]
    peak = Peak(int(live[at]), op, row, alive.parts(at))
    schedule = 'layer' if last == first + 1 else 'stream'
    yield SegmentPlan(schedule, first, last, join(graph, steps, band), peak)
    begin = end


class _Alive:
  """What is alive at a time, by name."""

  def __init__(self, graph: StageGraph, buffers: memory_buffers.Buffers) -> None:
    named = [(buffer.ring, *_describe(graph, buffer)) for buffer in buffers.buffers]
    for m, item in buffers.tensors.items():
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


def _describe(graph: StageGraph, buffer: memory_buffers.Buffer) -> tuple[str, str]:
  if buffer.op is not None:
    return f'sums of {graph.ops[buffer.op].name}', ''
  assert buffer.map is not None
  return 'ring rows of' if buffer.is_ring else 'rows of', graph.maps[buffer.map].name


def count_steps(operators: np.ndarray) -> int:
  """How many steps `join` makes without a band, from the operator that runs at each time."""
  begins = np.flatnonzero(np.diff(operators, prepend=-1))
  runs = np.diff(begins, append=operators.size)
  return int((-(-runs // program.MAX_STEP_ROWS)).sum())


def join(
  graph: StageGraph, steps: Sequence[order.Step], band: int | None
) -> tuple[tuple[int, int, int], ...]:
  """Joins consecutive steps of an operator; a pause before each band but the first."""
  joined: list[tuple[int, int, int]] = []
  for i, t in steps:
    if band is not None and graph.ops[i].spec.role is Role.FEED and t and t % band == 0:
      joined.append((program.PAUSE, 0, 0))
    elif joined:
      last, first, count = joined[-1]
      if last == i and first + count == t and count < program.MAX_STEP_ROWS:
        joined[-1] = last, first, count + 1
        continue
    joined.append((i, t, 1))
  return tuple(joined)
