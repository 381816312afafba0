# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Places in memory for rows that live at different times.

An item is what a map needs: slots of equal size, each with its own live range. An
item whose slots come alive and die one after the other moves through memory, so
that another may follow it: a map runs after the one that it is made from. Items
lie in one piece or in two, the second beginning with any slot, so that they can
wrap around the end of the memory and run from one region into another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tflm_patch.planner.schedule.live_ranges import LiveRanges

ALIGNMENT = 16
WORKSPACE = 0


def aligned(size: int, alignment: int = ALIGNMENT) -> int:
  """The next multiple of the alignment."""
  return -(-size // alignment) * alignment


@dataclasses.dataclass(frozen=True, eq=False)
class Item:
  """Memory to be placed.

  Attributes:
    slot_bytes: Size of a slot.
    shapes: Ways to keep the rows, each with one live range per slot: as a ring (few
      slots, all alive all the time), as a whole map (a slot for each row).
    alignment: Of every slot's address.
    one_piece: Its slots must lie one behind the other.
  """

  slot_bytes: int
  shapes: tuple[LiveRanges, ...]
  alignment: int = 1
  one_piece: bool = False

  @property
  def rows(self) -> LiveRanges:
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

  def used_bytes(self, items: Sequence[Item]) -> int:
    """Bytes up to the end of the last item in the workspace; a multiple of 16."""
    ends = (
      piece.offset + piece.count * item.slot_bytes
      for item, place in zip(items, self.places)
      for piece in place.pieces
      if piece.region == WORKSPACE
    )
    return aligned(max(ends, default=0))


def live_bytes(items: Sequence[Item], length: int) -> np.ndarray:
  """Bytes alive at each time 0..length-1."""
  if not items:
    return np.zeros(length, np.int64)
  live_ranges = [item.rows for item in items]
  sizes = np.repeat(
    np.array([item.slot_bytes for item in items]), [len(live.made) for live in live_ranges]
  )
  made = np.maximum(np.concatenate([live.made for live in live_ranges]), 0)
  free = np.minimum(np.concatenate([live.last for live in live_ranges]) + 1, length)
  change = np.bincount(made, sizes, length + 1) - np.bincount(free, sizes, length + 1)
  return np.cumsum(change)[:length].astype(np.int64)


def lower_bound(items: Sequence[Item], regions: Sequence[Region], length: int) -> int:
  """Bytes of the workspace that no layout can go below."""
  everything = [*items, *(region.owner for region in regions)]
  bound = int(live_bytes(everything, length).max()) - sum(region.size for region in regions)
  return aligned(max(bound, 0))
