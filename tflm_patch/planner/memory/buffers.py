# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The memory that segments buffer: an item for every map, with the live ranges of its rows.

A map that is made and read in one segment alone is kept as a ring or, if that
is easier to place, whole; any other map is whole. An output that may lie over
its operator's input shares an item with it where that saves memory, and so may
the output of the operator behind it; maps of single rows that never meet share one, too.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from tflm_patch.planner.ir.stage_graph import InPlace, MapRole, StageGraph, per_graph
from tflm_patch.planner.memory import layout, sharing
from tflm_patch.planner.memory.output_places import find_output_places
from tflm_patch.planner.memory.single_rows import share_single_rows
from tflm_patch.planner.schedule import order
from tflm_patch.planner.schedule.live_ranges import LiveRanges, Timeline, live_ranges_of
from tflm_patch.program.kinds import Role


@dataclasses.dataclass(frozen=True, eq=False)
class Buffer:
  """An item and whose memory it is.

  Attributes:
    item: With one or two shapes: a ring, the whole map.
    map: The map, or None for an operator's scratch.
    guests: Maps that lie over it, with how they do.
    op: Of whose scratch it is; see `sharing` for others that use it, too.
  """

  item: layout.Item
  map: int | None = None
  guests: tuple[tuple[int, InPlace], ...] = ()
  op: int | None = None

  @property
  def is_ring(self) -> bool:
    """Whether it may be kept as a ring."""
    return len(self.item.shapes) > 1 or self.item.one_piece

  @property
  def gap_bytes(self) -> int:
    """What a slot begins before the map's row in it."""
    return max((how.gap_bytes for _, how in self.guests), default=0)

  @functools.cached_property
  def ring(self) -> layout.Item:
    """The item in its smallest shape alone."""
    if len(self.item.shapes) == 1:
      return self.item
    return dataclasses.replace(self.item, shapes=self.item.shapes[:1])


@dataclasses.dataclass(frozen=True, eq=False)
class Buffers:
  """What a list of segments needs.

  Attributes:
    buffers: To be placed.
    tensors: Map index -> item, of the stage's tensors whose memory may be used.
    length: Number of steps.
    in_outputs: Map index -> the stage's output in whose memory it lies, row over row.
  """

  buffers: tuple[Buffer, ...]
  tensors: dict[int, layout.Item]
  length: int
  in_outputs: dict[int, int] = dataclasses.field(default_factory=dict)

  @property
  def items(self) -> list[layout.Item]:
    return [buffer.item for buffer in self.buffers]

  def live_bytes(self) -> np.ndarray:
    """Bytes alive at each step, rings counted as rings, the stage's tensors included."""
    rings = [buffer.ring for buffer in self.buffers]
    return layout.live_bytes([*rings, *self.tensors.values()], self.length)

  @functools.cached_property
  def peak_bytes(self) -> int:
    """The most bytes alive at a step."""
    return int(self.live_bytes().max())

  def inner_bytes(self, left: Collection[int]) -> int:
    """The most bytes alive of what does not hold one of the maps that are left behind."""
    inner = [
      buffer.ring
      for buffer in self.buffers
      if buffer.map not in left and not any(m in left for m, _ in buffer.guests)
    ]
    inner += [item for m, item in self.tensors.items() if m not in left]
    return int(layout.live_bytes(inner, self.length).max())

  def ring_bytes(self) -> int:
    """The most bytes alive of maps that are kept as rings."""
    rings = [buffer.ring for buffer in self.buffers if buffer.is_ring]
    return int(layout.live_bytes(rings, self.length).max())


def variants(
  graph: StageGraph,
  segments: Sequence[tuple[int, int]],
  steps: Sequence[order.Step],
  reusable: Iterable[int] = (),
) -> list[Buffers]:
  """What consecutive segments need, with maps in the memory of outputs where they may lie there.

  An output of which a map lies in its memory is there for longer, so that nothing else may lie
  there then: where there are such maps a variant without them comes second.

  Args:
    graph: The stage.
    segments: Operators [first, last) of each.
    steps: All their steps in order.
    reusable: Input maps whose memory may be used.
  """
  collector = _Collector(graph, segments, steps, frozenset(reusable))
  first = collector.collect()
  return [first, collector.collect(False)] if first.in_outputs else [first]


@dataclasses.dataclass(frozen=True)
class _Use:
  """Who uses a map.

  Attributes:
    begin, end: As `order.spans` says; outputs are used beyond the last operator.
    users: The operators that make it, read it, or do so with a view of it, in order.
    in_parts: Some of them are CROP or JOIN.
  """

  begin: int
  end: int
  users: tuple[int, ...]
  in_parts: bool

  def is_touched(self, first: int, last: int) -> bool:
    """Whether one of operators [first, last) uses it."""
    at = bisect.bisect_left(self.users, first)
    return at < len(self.users) and self.users[at] < last


@per_graph
def _uses(graph: StageGraph) -> dict[int, _Use]:
  """The maps that need memory of their own."""
  users: dict[int, list[int]] = {}
  for i, op in enumerate(graph.ops):
    for m in {*op.inputs, *op.outputs}:
      view = graph.maps[m].view
      for each in (m,) if view is None else (m, view.base):
        users.setdefault(each, []).append(i)
  found = {}
  for m, (feature_map, (begin, end)) in enumerate(zip(graph.maps, order.spans(graph))):
    if feature_map.role.has_own_memory or feature_map.view is not None:
      continue
    own = tuple(users.get(m, ()))
    in_parts = any(graph.ops[i].spec.is_view for i in own)
    if feature_map.role == MapRole.OUTPUT:
      end = len(graph.ops)
    found[m] = _Use(begin, end, own, in_parts)
  return found


class _Collector:
  """Collects buffers map by map."""

  def __init__(
    self,
    graph: StageGraph,
    segments: Sequence[tuple[int, int]],
    steps: Sequence[order.Step],
    reusable: frozenset[int],
  ) -> None:
    self._graph = graph
    self._segments = segments
    self._first, self._last = segments[0][0], segments[-1][1]
    self._time = Timeline(graph, steps)
    self._items: dict[int, layout.Item] = {}
    self._alone: dict[int, bool] = {}
    self._reusable = reusable
    # Of each operator, its segment when that is streamed.
    self._stream = {i: s for s, (a, b) in enumerate(segments) if b - a > 1 for i in range(a, b)}

  def collect(self, uses_outputs: bool = True) -> Buffers:
    """Everything; maps lie in the memory of outputs or do not."""
    live_ranges, tensors = {}, {}
    for m, use in _uses(self._graph).items():
      if use.end < self._first or use.begin >= self._last:
        continue
      feature_map = self._graph.maps[m]
      if feature_map.role == MapRole.INTERNAL:
        live_ranges[m] = self._live_ranges_of(m, use)
      elif feature_map.role == MapRole.OUTPUT or m in self._reusable:
        tensors[m] = layout.Item(feature_map.row_bytes, (self._live_ranges_of(m, use),))
    shared = self._merges(live_ranges)
    guests = {guest for buffer in shared.values() for guest, _ in buffer.guests}
    buffers = [
      shared.get(m) or Buffer(self._item(m, live), m)
      for m, live in live_ranges.items()
      if m not in guests
    ]
    in_outputs = self._in_outputs(buffers, tensors) if uses_outputs else {}
    buffers = [buffer for buffer in buffers if buffer.map not in in_outputs]
    buffers = share_single_rows(self._graph, buffers, self._stream_of)
    for segment in self._segments:
      buffers += self._scratch(segment)
    return Buffers(tuple(buffers), tensors, self._time.length, in_outputs)

  def _in_outputs(
    self, buffers: Sequence[Buffer], tensors: dict[int, layout.Item]
  ) -> dict[int, int]:
    """What lies in the memory of which output, whose item it changes."""
    outputs = {
      m: item.rows for m, item in tensors.items() if self._graph.maps[m].role == MapRole.OUTPUT
    }
    places = find_output_places(self._graph, range(self._first, self._last), buffers, outputs)
    found = {}
    for buffer in buffers:
      if buffer.map in places:
        out, live = places[buffer.map]
        tensors[out] = dataclasses.replace(tensors[out], shapes=(live,))
        found.update(dict.fromkeys((buffer.map, *(guest for guest, _ in buffer.guests)), out))
    return found

  def _scratch(self, segment: tuple[int, int]) -> Iterator[Buffer]:
    """The private memory of a segment's operators; what they share comes last."""
    users = {
      i: (i,)
      for i in range(*segment)
      if self._graph.ops[i].scratch_bytes and not sharing.is_shared(self._graph, i)
    }
    for owner, ops in (users | sharing.sharers(self._graph, [segment])).items():
      spans = [self._time.span(i) for i in ops]
      first, last = min(begin for begin, _ in spans), max(end for _, end in spans)
      live = LiveRanges(np.array([first]), np.array([last]))
      size = self._graph.ops[owner].scratch_bytes
      yield Buffer(layout.Item(size, (live,), layout.ALIGNMENT), op=owner)

  def _live_ranges_of(self, m: int, use: _Use) -> LiveRanges:
    """When a map's rows are alive during the segments."""
    rows = self._graph.maps[m].rows
    stays = use.end >= self._last
    if stays and use.begin < self._first and not use.is_touched(self._first, self._last):
      return LiveRanges(np.full(rows, -1, np.int64), np.full(rows, self._time.length, np.int64))
    made = self._time.made(m)
    last = np.full(rows, self._time.length, np.int64) if stays else self._time.last_read(m)
    # The part of a row that is made last may be made when nobody reads the row any more.
    return live_ranges_of(made, np.maximum(last, self._time.made_whole(m)))

  def _stream_of(self, m: int) -> int | None:
    """The streamed segment that makes a map."""
    return self._stream.get(_uses(self._graph)[m].users[0])

  def _streamed_alone(self, m: int) -> bool:
    """Whether one streamed segment makes and reads a map, and nothing lies in it."""
    if m not in self._alone:
      self._alone[m] = self._is_streamed_alone(m)
    return self._alone[m]

  def _is_streamed_alone(self, m: int) -> bool:
    use = _uses(self._graph)[m]
    if use.in_parts:
      return False
    stream = self._stream.get(use.users[0])
    return stream is not None and stream == self._stream.get(use.users[-1])

  def _item(self, m: int, live: LiveRanges) -> layout.Item:
    if m not in self._items:
      self._items[m] = self._make_item(m, live)
    return self._items[m]

  def _make_item(self, m: int, live: LiveRanges) -> layout.Item:
    feature_map = self._graph.maps[m]
    alignment = feature_map.dtype.bytes or 1
    shapes = [live]
    if self._streamed_alone(m):
      height = ring_height(live, np.arange(feature_map.rows), live)
      if height < feature_map.rows:
        shapes.insert(0, _ring(live, height, live.last_time))
    return layout.Item(feature_map.row_bytes, tuple(shapes), alignment)

  def _merges(self, live_ranges: dict[int, LiveRanges]) -> dict[int, Buffer]:
    """Host map -> what it shares with the maps that lie over it."""
    merges: dict[int, Buffer] = {}
    top = {m: m for m in live_ranges}  # the last map that lies over a host -> the host
    for i in range(self._first, self._last):
      op = self._graph.ops[i]
      best: tuple[int, int, Buffer] | None = None
      for how in op.in_place:
        below, guest = op.inputs[how.input], op.outputs[0]
        if below not in top or guest not in live_ranges or op.inputs.count(below) != 1:
          continue
        host = top[below]
        buffer = merges.get(host) or Buffer(self._item(host, live_ranges[host]), host)
        merged = self._merge(buffer, below, guest, how, live_ranges)
        if merged is None:
          continue
        apart = _bytes(buffer.item) + _bytes(self._item(guest, live_ranges[guest]))
        saved = apart - _bytes(merged.item)
        if saved > 0 and (best is None or saved > best[0]):
          best = saved, below, merged
      if best is not None:
        _, below, merged = best
        assert merged.map is not None
        merges[merged.map] = merged
        top[op.outputs[0]] = top.pop(below)
    return merges

  def _merge(
    self, buffer: Buffer, below: int, guest: int, how: InPlace, live_ranges: dict[int, LiveRanges]
  ) -> Buffer | None:
    """The buffer with a guest more, over the map `below` in it; None when that cannot be."""
    host = buffer.map
    assert host is not None
    first, second = self._graph.maps[host], self._graph.maps[guest]
    if first.dtype != second.dtype or second.row_bytes > self._graph.maps[below].row_bytes:
      return None
    is_same_size = how.is_same_place and first.bytes == second.bytes
    if not is_same_size and not (self._streamed_alone(host) and self._streamed_alone(guest)):
      return None
    # Nobody else reads what a row of the guest is written over.
    over = np.arange(second.rows) * how.row_step - how.row_shift
    inside = over >= 0
    if over[-1] >= self._graph.maps[below].rows:  # its window lies behind the map
      return None
    if np.any(live_ranges[below].last[over[inside]] > live_ranges[guest].made[inside]):
      return None
    guests = (*buffer.guests, (guest, how.over(dict(buffer.guests).get(below, InPlace(0)))))
    merged = dataclasses.replace(buffer, guests=guests)
    shapes = []
    ring = self._common_ring(merged, live_ranges)
    if ring is not None:
      shapes.append(ring)
    # A whole map is not held longer for narrower rows.
    same_place = all(other.is_same_place for _, other in guests)
    if same_place and first.bytes == second.bytes:
      shapes.append(live_ranges_of(live_ranges[host].made, live_ranges[guest].last))
    if not shapes:
      return None
    item = layout.Item(
      first.row_bytes + merged.gap_bytes,
      tuple(shapes),
      first.dtype.bytes or 1,
      one_piece=not same_place,
    )
    return dataclasses.replace(merged, item=item)

  def _common_ring(self, buffer: Buffer, live_ranges: dict[int, LiveRanges]) -> LiveRanges | None:
    """Lives of the slots of a ring for all maps of a buffer, None when there is none."""
    assert buffer.map is not None
    members = [(buffer.map, InPlace(0)), *buffer.guests]
    if not all(self._streamed_alone(m) for m, _ in members):
      return None
    host = live_ranges[buffer.map]
    places = [
      np.arange(self._graph.maps[m].rows) * how.row_step - how.row_shift for m, how in members
    ]
    height = max(ring_height(host, at, live_ranges[m]) for (m, _), at in zip(members, places))
    fits = all(how.fits_ring(height) for _, how in members)
    if height >= self._graph.maps[buffer.map].rows or not fits:
      return None
    # Rows before the host's first lie in slots that nothing was made into yet.
    early = [live_ranges[m].first_time for (m, _), at in zip(members, places) if at[0] < 0]
    end = max(live_ranges[m].last_time for m, _ in members)
    return _ring(host, height, end, min(early, default=None))


def ring_height(made: LiveRanges, places: np.ndarray, alive: LiveRanges) -> int:
  """Rows of a ring in which row r of `alive` lies in the slot of row places[r] of `made`.

  No row is made into a slot before what lies there is dead.
  """
  before = np.searchsorted(made.made, alive.last, side='right')
  return max(1, int((before - places).max()))


def _ring(made: LiveRanges, height: int, end: int, early: int | None = None) -> LiveRanges:
  """Lives of a ring's slots: from the first row in them to the end of all.

  `early` is when something else was made into slots that come later.
  """
  first = made.made[:height]
  if early is not None:
    first = np.minimum(first, max(first[0], early))
  return LiveRanges(first, np.full(height, end, np.int64))


def _bytes(item: layout.Item) -> int:
  return item.slot_bytes * len(item.shapes[0].made)


def fed_maps(graph: StageGraph) -> set[int]:
  """Inputs that the application writes between the steps of a stage."""
  return {m for op in graph.ops if op.spec.role is Role.FEED for m in op.inputs}
