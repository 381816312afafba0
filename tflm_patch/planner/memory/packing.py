# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Placing items one by one where they overlap nothing that is alive at the same time.

`pack` is the reference of planner/native/pack.c, which does the same.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence

from tflm_patch.planner.memory import gaps
from tflm_patch.planner.memory.layout import WORKSPACE, Item, Layout, Piece, Place, Region
from tflm_patch.planner.schedule.live_ranges import LiveRanges


@dataclasses.dataclass(frozen=True, eq=False)
class _Placed:
  """A piece of an item, alive from time `begin` to `end`."""

  live_ranges: LiveRanges
  slot_bytes: int
  piece: Piece
  begin: int
  end: int

  def blocked(
    self, live_ranges: LiveRanges, slot_bytes: int, first: int = 0
  ) -> list[gaps.Interval]:
    """Where an item must not begin because of this piece, for its slots from `first` on."""
    part = self.piece.first, self.piece.count
    found = gaps.blocked(self.live_ranges, part, self.slot_bytes, live_ranges, slot_bytes, first)
    offset = self.piece.offset
    return [(begin + offset, end + offset) for begin, end in found]


class _Memory:
  """A workspace of fixed size and the regions beside it, with what lies there."""

  def __init__(self, regions: Sequence[Region], workspace: int) -> None:
    self.sizes = [workspace, *(region.size for region in regions)]
    self.placed: list[list[_Placed]] = [[] for _ in self.sizes]
    for number, region in enumerate(regions, 1):
      owner = region.owner
      self.add(owner, owner.rows, Piece(number, 0, 0, len(owner.rows.made)))

  def add(self, item: Item, live_ranges: LiveRanges, piece: Piece) -> None:
    last = piece.first + piece.count - 1
    begin, end = int(live_ranges.made[piece.first]), int(live_ranges.last[last])
    self.placed[piece.region].append(_Placed(live_ranges, item.slot_bytes, piece, begin, end))


class _Candidate:
  """An item in one of its shapes that is to be placed in a memory."""

  def __init__(self, memory: _Memory, item: Item, live_ranges: LiveRanges) -> None:
    self.n = len(live_ranges.made)
    self._memory = memory
    self._item = item
    self._live_ranges = live_ranges
    self._splits: dict[int, gaps.Splits] = {}
    first, last = live_ranges.first_time, live_ranges.last_time
    # What is alive with it, by regions.
    self._others = [
      [other for other in placed if other.begin <= last and first <= other.end]
      for placed in memory.placed
    ]

  def whole(self, rng: random.Random | None) -> list[tuple[int, int]]:
    """(region, offset) for all slots, as `front` gives them for some."""

    def blocked(region: int) -> gaps.Intervals:
      found: list[gaps.Interval] = []
      for other in self._others[region]:
        found += other.blocked(self._live_ranges, self._item.slot_bytes)
      return gaps.joined(found)

    return self._places(self.n, blocked, rng)

  def front(self, k: int, rng: random.Random | None) -> list[tuple[int, int]]:
    """(region, offset) for slots [0, k) at the borders of the gaps.

    Regions beside the workspace come first.

    Args:
      k: How many slots.
      rng: Changes the order of the places now and then.
    """
    return self._places(k, lambda region: self._split(region).fronts[k], rng)

  def back(
    self, k: int, rng: random.Random | None, beside: Piece | None = None
  ) -> list[tuple[int, int]]:
    """The same for slots [k, n); `beside` is where the item's other slots are to lie."""
    size = self._item.slot_bytes

    def blocked(region: int) -> gaps.Intervals:
      found = self._split(region).backs[k]
      if beside is not None and beside.region == region:
        part = beside.first, beside.count
        own = gaps.blocked(self._live_ranges, part, size, self._live_ranges, size, k)
        found = gaps.joined([*found, *gaps.moved(own, beside.offset)])
      return gaps.moved(found, k * size)

    return self._places(self.n - k, blocked, rng)

  def _split(self, region: int) -> gaps.Splits:
    if region not in self._splits:
      found: list[gaps.SlotInterval] = []
      for other in self._others[region]:
        piece = other.piece
        found += (
          (slot, begin + piece.offset, end + piece.offset)
          for slot, begin, end in gaps.blocked_slots(
            other.live_ranges,
            (piece.first, piece.count),
            other.slot_bytes,
            self._live_ranges,
            self._item.slot_bytes,
          )
        )
      self._splits[region] = gaps.splits(found, self.n)
    return self._splits[region]

  def _places(
    self, count: int, blocked: Callable[[int], gaps.Intervals], rng: random.Random | None
  ) -> list[tuple[int, int]]:
    """The ends of the gaps of all regions for so many slots."""
    item = self._item
    places = []
    for region in (*range(1, len(self._memory.sizes)), WORKSPACE):
      limit = self._memory.sizes[region] - count * item.slot_bytes
      if limit < 0:
        continue
      for low, high in gaps.free(blocked(region), limit, item.alignment):
        places.append((region, low))
        if high != low:
          places.append((region, high))
    if rng is not None and len(places) > 1 and rng.random() < 0.4:
      k = rng.randrange(len(places))
      places = [*places[k:], *places[:k]]
    return places


def _place_whole(
  candidates: Sequence[_Candidate], rng: random.Random | None
) -> tuple[int, tuple[Piece, ...]] | None:
  for shape, candidate in enumerate(candidates):
    places = candidate.whole(rng)
    if places:
      return shape, (Piece(*places[0], 0, candidate.n),)
  return None


def _place_split(
  candidates: Sequence[_Candidate], rng: random.Random | None
) -> tuple[int, tuple[Piece, ...]] | None:
  for shape, candidate in reversed(list(enumerate(candidates))):
    n = candidate.n
    splits = list(range(1, n))
    if rng is not None:
      choice = rng.random()
      if choice < 0.4:
        splits.reverse()
      elif choice < 0.7:
        rng.shuffle(splits)
    for k in splits:
      fronts = candidate.front(k, rng)
      # Both pieces must have a place at all before they are tried together.
      if not fronts or not candidate.back(k, None):
        continue
      for at in fronts[:4]:
        front = Piece(*at, 0, k)
        backs = candidate.back(k, rng, front)
        if backs:
          return shape, (front, Piece(*backs[0], k, n - k))
  return None


def pack(
  items: Sequence[Item],
  regions: Sequence[Region],
  workspace: int,
  order: Sequence[int],
  rng: random.Random | None,
) -> tuple[Place, ...] | int:
  """Places the items in this order; the item that found no place when one did not."""
  memory = _Memory(regions, workspace)
  places: dict[int, Place] = {}
  for i in order:
    item = items[i]
    candidates = [_Candidate(memory, item, live_ranges) for live_ranges in item.shapes]
    found = _place_whole(candidates, rng)
    if found is None and not item.one_piece:
      found = _place_split(candidates, rng)
    if found is None:
      return i
    places[i] = Place(*found)
    for piece in found[1]:
      memory.add(item, item.shapes[found[0]], piece)
  return tuple(places[i] for i in range(len(items)))


def place_beside(
  layout: Layout, items: Sequence[Item], regions: Sequence[Region], more: Sequence[Sequence[Item]]
) -> list[Place | None]:
  """Places for more items in what a layout leaves free.

  Args:
    layout: Of the items.
    items, regions: As for `find_layout`.
    more: For each item to be added the alternatives, the best first.

  Returns:
    For each a place of the first alternative that has one (its number is the
    place's shape), or None.
  """
  memory = _Memory(regions, layout.bytes)
  for item, place in zip(items, layout.places):
    for piece in place.pieces:
      memory.add(item, item.shapes[place.shape], piece)
  found: list[Place | None] = []
  for alternatives in more:
    found.append(None)
    for number, item in enumerate(alternatives):
      placed = _place_whole([_Candidate(memory, item, item.shapes[0])], None)
      if placed is not None:
        memory.add(item, item.shapes[0], placed[1][0])
        found[-1] = Place(number, placed[1])
        break
  return found
