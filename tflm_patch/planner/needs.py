# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The memory that segments need: an item for every map, with the lives of its rows.

A map that is made and read in one segment alone is kept as a ring or, if that
is easier to place, whole; any other map is whole. An output that may lie over
its operator's input shares an item with it where that saves memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from tflm_patch.planner import layout, order
from tflm_patch.planner.lifetimes import RowLives, Timeline, row_lives
from tflm_patch.planner.program import Kind
from tflm_patch.planner.stage_ir import InPlace, MapRole, StageGraph


@dataclasses.dataclass(frozen=True, eq=False)
class Need:
  """An item and whose memory it is.

  Attributes:
    item: With one or two shapes: a ring, the whole map.
    map: The map, or None for an operator's scratch.
    guest: A map that lies over it, with how it does.
    op: Of whose scratch it is.
  """

  item: layout.Item
  map: int | None = None
  guest: tuple[int, InPlace] | None = None
  op: int | None = None

  @property
  def is_ring(self) -> bool:
    """Whether it may be kept as a ring."""
    return len(self.item.shapes) > 1 or self.item.one_piece

  @property
  def ring(self) -> layout.Item:
    """The item in its smallest shape alone."""
    return dataclasses.replace(self.item, shapes=self.item.shapes[:1])


@dataclasses.dataclass(frozen=True, eq=False)
class Needs:
  """What a list of segments needs.

  Attributes:
    needs: To be placed.
    tensors: Map index -> item, of the stage's tensors whose memory may be used.
    length: Number of steps.
  """

  needs: tuple[Need, ...]
  tensors: dict[int, layout.Item]
  length: int

  @property
  def items(self) -> list[layout.Item]:
    return [need.item for need in self.needs]

  def live_bytes(self) -> np.ndarray:
    """Bytes alive at each step, rings counted as rings, the stage's tensors included."""
    rings = [need.ring for need in self.needs]
    return layout.live_bytes([*rings, *self.tensors.values()], self.length)

  def ring_bytes(self) -> int:
    """The most bytes alive of maps that are kept as rings."""
    rings = [need.ring for need in self.needs if need.is_ring]
    return int(layout.live_bytes(rings, self.length).max())


def needs_of(
    graph: StageGraph,
    segments: Sequence[tuple[int, int]],
    steps: Sequence[order.Step],
    reusable: Iterable[int] = (),
) -> Needs:
  """What consecutive segments need.

  Args:
    graph: The stage.
    segments: Operators [first, last) of each.
    steps: All their steps in order.
    reusable: Input maps whose memory may be used.
  """
  return _Collector(graph, segments, steps, frozenset(reusable)).collect()


class _Collector:
  """Collects needs map by map."""

  def __init__(
      self,
      graph: StageGraph,
      segments: Sequence[tuple[int, int]],
      steps: Sequence[order.Step],
      reusable: frozenset[int],
  ) -> None:
    self._graph = graph
    self._first, self._last = segments[0][0], segments[-1][1]
    self._time = Timeline(graph, steps)
    self._reusable = reusable
    self._producer = order.producers(graph)
    self._readers = order.consumers(graph)
    # Of each operator, its segment when that is streamed.
    self._stream = {
        i: s for s, (a, b) in enumerate(segments) if b - a > 1 for i in range(a, b)
    }

  def collect(self) -> Needs:
    lives, tensors = {}, {}
    for m, feature_map in enumerate(self._graph.maps):
      life = self._life(m)
      if life is None:
        continue
      if feature_map.role == MapRole.INTERNAL:
        lives[m] = life
      else:
        tensors[m] = layout.Item(feature_map.row_bytes, (life,))
    hosts = self._merges(lives)
    guests = {guest: host for host, (guest, _, _) in hosts.items()}
    needs = []
    for m, life in lives.items():
      if m in guests:
        continue
      if m in hosts:
        guest, how, item = hosts[m]
        needs.append(Need(item, m, (guest, how)))
      else:
        needs.append(Need(self._item(m, life), m))
    for i in range(self._first, self._last):
      op = self._graph.ops[i]
      if op.scratch_bytes:
        first, last = self._time.span(i)
        life = RowLives(np.array([first]), np.array([last]))
        item = layout.Item(op.scratch_bytes, (life,), layout.ALIGNMENT)
        needs.append(Need(item, op=i))
    return Needs(tuple(needs), tensors, self._time.length)

  def _life(self, m: int) -> RowLives | None:
    """When a map's rows are alive during the segments; None when it needs no memory."""
    feature_map = self._graph.maps[m]
    role = feature_map.role
    if role == MapRole.CONSTANT or (role == MapRole.INPUT and m not in self._reusable):
      return None
    if feature_map.view is not None:
      return None
    begin, end = order.spans(self._graph)[m]
    if role == MapRole.OUTPUT:
      end = len(self._graph.ops)
    if end < self._first or begin >= self._last:
      return None
    made = self._time.made(m)
    if end >= self._last:
      last = np.full(feature_map.rows, self._time.length, np.int64)
    else:
      last = self._time.last_read(m)
    return row_lives(made, last)

  def _streamed_alone(self, m: int) -> bool:
    """Whether one streamed segment makes and reads a map, and nothing lies in it."""
    users = (self._producer[m], *self._readers.get(m, ()))
    if any(self._graph.ops[i].kind in (Kind.CROP, Kind.JOIN) for i in users):
      return False
    streams = {self._stream.get(i) for i in users}
    return len(streams) == 1 and None not in streams

  def _item(self, m: int, life: RowLives) -> layout.Item:
    feature_map = self._graph.maps[m]
    alignment = feature_map.dtype.bytes or 1
    shapes = [life]
    if self._streamed_alone(m):
      height = ring_height(life, np.arange(feature_map.rows), life)
      if height < feature_map.rows:
        shapes.insert(0, _ring(life, life, height))
    return layout.Item(feature_map.row_bytes, tuple(shapes), alignment)

  def _merges(
      self, lives: dict[int, RowLives]
  ) -> dict[int, tuple[int, InPlace, layout.Item]]:
    """Host map -> (guest, how, common item), each map in one merge at most."""
    merges: dict[int, tuple[int, InPlace, layout.Item]] = {}
    used: set[int] = set()
    for i in range(self._first, self._last):
      op = self._graph.ops[i]
      best: tuple[int, int, InPlace, layout.Item] | None = None
      for how in op.in_place:
        host, guest = op.inputs[how.input], op.outputs[0]
        if host in used or guest in used or host not in lives or guest not in lives:
          continue
        if op.inputs.count(host) != 1:
          continue
        item = self._merge(host, guest, how, lives)
        if item is None:
          continue
        apart = (self._item(host, lives[host]), self._item(guest, lives[guest]))
        saved = sum(_bytes(part) for part in apart) - _bytes(item)
        if saved > 0 and (best is None or saved > best[0]):
          best = saved, host, how, item
      if best is not None:
        _, host, how, item = best
        guest = op.outputs[0]
        merges[host] = guest, how, item
        used |= {host, guest}
    return merges

  def _merge(
      self, host: int, guest: int, how: InPlace, lives: dict[int, RowLives]
  ) -> layout.Item | None:
    """The item that both share, None when they cannot."""
    first, second = self._graph.maps[host], self._graph.maps[guest]
    if first.dtype != second.dtype or second.row_bytes > first.row_bytes:
      return None
    # Nobody else reads what a row of the guest is written over.
    over = np.arange(second.rows) * how.row_step - how.row_shift
    inside = (over >= 0) & (over < first.rows)
    if np.any(lives[host].last[over[inside]] > lives[guest].made[inside]):
      return None
    slot_bytes = first.row_bytes + how.gap_bytes
    alone = self._streamed_alone(host) and self._streamed_alone(guest)
    shapes = []
    if alone:
      height = max(
          ring_height(lives[host], np.arange(first.rows), lives[host]),
          ring_height(lives[host], over, lives[guest]),
      )
      if height < first.rows and how.fits_ring(height):
        early = int((over < 0).sum())
        shapes.append(_ring(lives[host], lives[guest], height, early))
    if how.is_same_place and first.rows == second.rows:
      shapes.append(row_lives(lives[host].made, lives[guest].last))
    if not shapes:
      return None
    return layout.Item(
        slot_bytes, tuple(shapes), first.dtype.bytes or 1, one_piece=not how.is_same_place
    )


def ring_height(made: RowLives, places: np.ndarray, alive: RowLives) -> int:
  """Rows of a ring in which row r of `alive` lies in the slot of row places[r] of `made`.

  No row is made into a slot before what lies there is dead.
  """
  before = np.searchsorted(made.made, alive.last, side='right')
  return max(1, int((before - places).max()))


def _ring(made: RowLives, alive: RowLives, height: int, early: int = 0) -> RowLives:
  """Lives of a ring's slots: from the first row in them to the end of all.

  The first `early` rows of `alive` lie in slots that nothing was made into before.
  """
  first = made.made[:height].copy()
  if early:
    first = np.minimum(first, np.maximum(first[0], alive.made[0]))
  first = np.minimum.accumulate(first[::-1])[::-1]
  end = max(made.last_time, alive.last_time)
  return RowLives(first, np.full(height, end, np.int64))


def _bytes(item: layout.Item) -> int:
  return item.slot_bytes * len(item.shapes[0].made)


def fed_maps(graph: StageGraph) -> set[int]:
  """Inputs that the application writes between the steps of a stage."""
  return {m for op in graph.ops if op.kind == Kind.FEED for m in op.inputs}
