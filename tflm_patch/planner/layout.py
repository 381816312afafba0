# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Offsets of buffers by live range: exact, overlap-free, as dense as can be found."""

from __future__ import annotations

import bisect
import dataclasses
import random
from collections.abc import Sequence

ALIGNMENT = 16
_ATTEMPTS = 300


@dataclasses.dataclass(frozen=True)
class Buffer:
  """Memory that is needed from time `first` to time `last`, both included.

  `private` memory may only lie in the workspace.
  """

  size: int
  first: int
  last: int
  private: bool = False


@dataclasses.dataclass(frozen=True)
class Arena:
  """A block of memory that buffers may use from a time on.

  `size` None is the workspace, which grows as needed; other blocks are fixed.
  """

  size: int | None
  free_from: int = 0


@dataclasses.dataclass(frozen=True)
class Layout:
  """Where each buffer lies: (arena, offset), and the bytes of the growing arena."""

  places: tuple[tuple[int, int], ...]
  bytes: int


def lower_bound(buffers: Sequence[Buffer], arenas: Sequence[Arena]) -> int:
  """Bytes of the growing arena that no layout can go below.

  At every moment, what is alive must fit into it and the fixed arenas free then.
  """
  bound = 0
  for t in {b.first for b in buffers}:
    live = [b for b in buffers if b.first <= t <= b.last]
    spare = sum(a.size for a in arenas if a.size is not None and a.free_from <= t)
    # What began before an arena was free, or is private, cannot lie there.
    bound = max(bound, sum(b.size for b in live) - spare)
    for a in arenas:
      if a.size is not None:
        kept = sum(b.size for b in live if b.private or b.first < a.free_from)
        bound = max(bound, kept)
  return aligned(bound)


def aligned(size: int, alignment: int = ALIGNMENT) -> int:
  """The next multiple of the alignment."""
  return -(-size // alignment) * alignment


def place(buffers: Sequence[Buffer], arenas: Sequence[Arena]) -> Layout:
  """Places buffers; tries orders until the lower bound is met or attempts run out.

  Args:
    buffers: What is to be placed.
    arenas: Exactly one grows (size None). A buffer goes to the first arena, in
      an order of preference that is varied, that is free during its whole life
      and has a gap; it always fits into the growing one.

  Returns:
    The layout with the fewest bytes found.
  """
  indices = list(range(len(buffers)))
  preference = sorted(range(len(arenas)), key=lambda a: arenas[a].size is None)
  orders = [
      sorted(indices, key=lambda i: (-buffers[i].size, buffers[i].first)),
      sorted(indices, key=lambda i: (buffers[i].first - buffers[i].last, -buffers[i].size)),
      sorted(indices, key=lambda i: (buffers[i].first, -buffers[i].size)),
      sorted(indices, key=lambda i: (-buffers[i].last, -buffers[i].size)),
  ]
  target = lower_bound(buffers, arenas)
  best: Layout | None = None
  rng = random.Random(0)
  for attempt in range(_ATTEMPTS):
    preferences = [preference] * len(buffers)
    if attempt < len(orders):
      order = orders[attempt]
    else:
      weights = [buffers[i].size * rng.uniform(0.3, 1.0) for i in indices]
      order = sorted(indices, key=lambda i: -weights[i])
      preferences = [
          preference if rng.random() < 0.7 else preference[::-1] for _ in indices
      ]
    limit = None if best is None else best.bytes
    layout = _first_fit(buffers, arenas, order, preferences, limit)
    if layout is not None:
      best = layout
    assert best is not None
    if best.bytes <= target:
      break
  assert best is not None
  return best


def _first_fit(
    buffers: Sequence[Buffer],
    arenas: Sequence[Arena],
    order: Sequence[int],
    preferences: Sequence[Sequence[int]],
    limit: int | None,
) -> Layout | None:
  """None when the growing arena would reach `limit`."""
  placed: list[list[tuple[int, int, int]]] = [[] for _ in arenas]  # offset, end, buffer
  places: list[tuple[int, int]] = [(0, 0)] * len(buffers)
  extent = 0
  for i in order:
    buffer = buffers[i]
    choices: list[tuple[int, int]] = []
    for a in preferences[i]:
      arena = arenas[a]
      if arena.size is not None and (buffer.private or buffer.first < arena.free_from):
        continue
      offset = 0
      for start, end, other in placed[a]:
        if buffers[other].first > buffer.last or buffers[other].last < buffer.first:
          continue
        if start - offset >= buffer.size:
          break
        offset = max(offset, aligned(end))
      if arena.size is None or offset + buffer.size <= arena.size:
        choices.append((a, offset))
    # The growing arena is taken first only where it does not have to grow.
    a, offset = next(
        (c for c in choices[:-1] if arenas[c[0]].size is not None or c[1] + buffer.size <= extent),
        choices[-1],
    )
    bisect.insort(placed[a], (offset, offset + buffer.size, i))
    places[i] = (a, offset)
    if arenas[a].size is None:
      extent = max(extent, offset + buffer.size)
      if limit is not None and aligned(extent) >= limit:
        return None
  return Layout(tuple(places), aligned(extent))
