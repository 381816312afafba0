# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Places in memory for rows that live at different times.

An item is what a map needs: slots of equal size, each with its own life. An
item whose slots come alive and die one after the other moves through memory, so
that another may follow it: a map runs after the one that it is made from. Items
lie in one piece or in two, the second beginning with any slot, so that they can
wrap around the end of the memory and run from one region into another.

For a given size of the workspace, items are placed one by one where they
overlap nothing that is alive at the same time; the orders are varied. The size
is then lowered by bisection.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence

import numpy as np

from tflm_patch.planner import limits
from tflm_patch.planner.memory import gaps
from tflm_patch.planner.schedule.live_ranges import RowLives

ALIGNMENT = 16
WORKSPACE = 0
# Orders tried by a search: at most, at least, and so that this many items are placed.
_ATTEMPTS = 960
_FEWEST = 120
# Searches, each with other random orders than the one before.
_SEARCHES = 2
_PLACED = 250_000


def aligned(size: int, alignment: int = ALIGNMENT) -> int:
  """The next multiple of the alignment."""
  return -(-size // alignment) * alignment


@dataclasses.dataclass(frozen=True, eq=False)
class Item:
  """Memory to be placed.

  Attributes:
    slot_bytes: Size of a slot.
    shapes: Ways to keep the rows, each with one life per slot: as a ring (few
      slots, all alive all the time), as a whole map (a slot for each row).
    alignment: Of every slot's address.
    one_piece: Its slots must lie one behind the other.
  """

  slot_bytes: int
  shapes: tuple[RowLives, ...]
  alignment: int = 1
  one_piece: bool = False

  @property
  def rows(self) -> RowLives:
    """The shape that follows the rows most closely."""
    if len(self.shapes) == 1:
      return self.shapes[0]
    return max(self.shapes, key=lambda shape: len(shape.made))


@dataclasses.dataclass(frozen=True, eq=False)
class Region:
  """Memory beside the workspace, whose own content (`owner`) begins at offset 0."""

  size: int
  owner: Item


@dataclasses.dataclass(frozen=True)
class Piece:
  """Slots [first, first + count) of an item."""

  region: int  # WORKSPACE, or 1 + index of the region
  offset: int
  first: int
  count: int


@dataclasses.dataclass(frozen=True)
class Place:
  """Where an item lies: its shape and one or two pieces."""

  shape: int
  pieces: tuple[Piece, ...]


@dataclasses.dataclass(frozen=True)
class Layout:
  """Where the items lie, and the size of the workspace."""

  places: tuple[Place, ...]
  bytes: int


def live_bytes(items: Sequence[Item], length: int) -> np.ndarray:
  """Bytes alive at each time 0..length-1."""
  if not items:
    return np.zeros(length, np.int64)
  lives = [item.rows for item in items]
  sizes = np.repeat(
      np.array([item.slot_bytes for item in items]), [len(life.made) for life in lives]
  )
  made = np.maximum(np.concatenate([life.made for life in lives]), 0)
  free = np.minimum(np.concatenate([life.last for life in lives]) + 1, length)
  change = np.bincount(made, sizes, length + 1) - np.bincount(free, sizes, length + 1)
  return np.cumsum(change)[:length].astype(np.int64)


def lower_bound(items: Sequence[Item], regions: Sequence[Region], length: int) -> int:
  """Bytes of the workspace that no layout can go below."""
  everything = [*items, *(region.owner for region in regions)]
  bound = int(live_bytes(everything, length).max()) - sum(region.size for region in regions)
  return aligned(max(bound, 0))


@dataclasses.dataclass(frozen=True, eq=False)
class _Placed:
  """A piece of an item, alive from time `begin` to `end`."""

  lives: RowLives
  slot_bytes: int
  piece: Piece
  begin: int
  end: int

  def blocked(self, lives: RowLives, slot_bytes: int, first: int = 0) -> list[gaps.Interval]:
    """Where an item must not begin because of this piece, for its slots from `first` on."""
    part = self.piece.first, self.piece.count
    found = gaps.blocked(self.lives, part, self.slot_bytes, lives, slot_bytes, first)
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

  def add(self, item: Item, lives: RowLives, piece: Piece) -> None:
    last = piece.first + piece.count - 1
    begin, end = int(lives.made[piece.first]), int(lives.last[last])
    self.placed[piece.region].append(_Placed(lives, item.slot_bytes, piece, begin, end))


class _Candidate:
  """An item in one of its shapes that is to be placed in a memory."""

  def __init__(self, memory: _Memory, item: Item, lives: RowLives) -> None:
    self.n = len(lives.made)
    self._memory = memory
    self._item = item
    self._lives = lives
    self._splits: dict[int, gaps.Splits] = {}
    first, last = lives.first_time, lives.last_time
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
        found += other.blocked(self._lives, self._item.slot_bytes)
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
        own = gaps.blocked(self._lives, part, size, self._lives, size, k)
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
                other.lives, (piece.first, piece.count), other.slot_bytes,
                self._lives, self._item.slot_bytes,
            )
        )  # fmt: skip
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
    candidates = [_Candidate(memory, item, lives) for lives in item.shapes]
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


def find_layout(
    items: Sequence[Item],
    regions: Sequence[Region],
    length: int,
    *,
    limit: int | None = None,
    brief: bool = False,
) -> Layout | None:
  """Places items in a workspace as small as can be found.

  Args:
    items: What is to be placed.
    regions: Memory beside the workspace.
    length: Number of steps.
    limit: Only layouts below this size are of interest.
    brief: Spend less time on it.

  Returns:
    The layout; None when none was found below the limit.
  """
  if not items:
    return Layout((), 0) if limit is None or limit > 0 else None
  attempts = max(_FEWEST, min(_ATTEMPTS, _PLACED // len(items)))
  if brief:
    attempts //= 4
  attempts = limits.layout_attempts(attempts, sum(len(item.rows.made) for item in items))
  items = [_in_one_piece(item) for item in items]
  best = None
  for seed in range(1 if brief else _SEARCHES):
    search = _Search(items, regions, length, limit, seed)
    found = search.run(attempts)
    if found is None:
      break
    best, limit = found, found.bytes
  return best


def _in_one_piece(item: Item) -> Item:
  """The item, kept whole where it has so many slots that to try all splits takes too long."""
  if item.one_piece or len(item.rows.made) <= limits.MAX_SLOTS_IN_PIECES:
    return item
  return dataclasses.replace(item, one_piece=True)


class _Search:
  """Lowers the size of the workspace by bisection, again and again with other orders."""

  def __init__(
      self,
      items: Sequence[Item],
      regions: Sequence[Region],
      length: int,
      limit: int | None,
      seed: int,
  ) -> None:
    self._items = items
    self._regions = regions
    self._rng = random.Random(seed)
    self._bound = lower_bound(items, regions, length)
    self._orders = _orders(items, length)
    self._best: Layout | None = None
    self._unlimited = limit is None
    total = aligned(sum(aligned(item.slot_bytes * len(item.shapes[0].made)) for item in items))
    # Below this everything is to be found.
    self._high = total + ALIGNMENT if limit is None else min(limit, total + ALIGNMENT)

  def run(self, attempts: int) -> Layout | None:
    patience = attempts // 3
    share = 8  # of the attempts, for one size
    idle = 0
    while attempts > 0 and idle < patience and self._bound < self._high:
      low = size = self._bound
      while low < self._high and attempts > 0 and idle < patience:
        high = self._high
        used = self._try(size, min(share, attempts, patience - idle))
        attempts -= used
        idle = 0 if self._high < high else idle + used
        low = size + ALIGNMENT if self._high > size else low
        size = max(low, min(aligned((low + self._high) // 2), self._high - ALIGNMENT))
      share *= 2
    if self._best is None and self._unlimited:
      self._try(self._high, len(self._orders))
    return self._best

  def _try(self, size: int, tries: int) -> int:
    """Looks for a layout of this size; returns the number of orders tried."""
    for attempt in range(tries):
      known = self._orders[attempt] if attempt < len(self._orders) else None
      if known is None:
        known = list(self._rng.choice(self._orders))
        for _ in range(1 + len(known) // 8):
          i, j = self._rng.randrange(len(known)), self._rng.randrange(len(known))
          known.insert(j, known.pop(i))
      rng = self._rng if self._rng.random() < 0.7 else None
      outcome = pack(self._items, self._regions, size, known, rng)
      if not isinstance(outcome, int):
        self._best, self._high = Layout(outcome, size), size
        # What worked is tried first for the next size.
        self._orders = [known, *(order for order in self._orders if order != known)]
        return attempt + 1
      if attempt < len(self._orders):
        # The item that found no place goes earlier.
        order = list(known)
        at = order.index(outcome)
        order.insert(self._rng.randrange(at) if at else 0, order.pop(at))
        self._orders[attempt] = order
    return tries


def _orders(items: Sequence[Item], length: int) -> list[list[int]]:
  indices = list(range(len(items)))
  size = [item.slot_bytes * len(item.shapes[0].made) for item in items]
  lives = [item.rows for item in items]
  begin = [life.first_time for life in lives]
  span = [life.last_time - life.first_time for life in lives]
  live = live_bytes(items, length)
  crowd = [int(live[max(0, life.first_time) : life.last_time + 1].max()) for life in lives]
  return [
      sorted(indices, key=lambda i: (-size[i], begin[i])),
      sorted(indices, key=lambda i: (-crowd[i], -size[i])),
      sorted(indices, key=lambda i: (begin[i], -size[i])),
      sorted(indices, key=lambda i: (-span[i], -size[i])),
      sorted(indices, key=lambda i: (-begin[i], -size[i])),
  ]
