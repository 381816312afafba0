# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Where rows of one item can begin beside those of others that are alive with them.

What an item meets of another depends on when their slots are alive, not on where the
other lies: it is worked out once for a pair of items and moved from then on.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from tflm_patch.planner.schedule.live_ranges import LiveRanges

Interval = tuple[int, int]  # offsets [begin, end)
Intervals = tuple[Interval, ...]  # apart from each other, in order
SlotInterval = tuple[int, int, int]  # of a slot: offsets [begin, end)


@functools.lru_cache(maxsize=1 << 16)
def blocked_slots(
  a: LiveRanges, part: tuple[int, int], a_bytes: int, b: LiveRanges, b_bytes: int
) -> tuple[SlotInterval, ...]:
  """Where an item must not begin, for each of its slots that meets another item.

  Args:
    a: When the slots of the other item are alive.
    part: Its (first, count) slots that lie here, from offset 0 on.
    a_bytes: The size of such a slot.
    b: When the slots of the item are alive.
    b_bytes: The size of such a slot.
  """
  if a.made[0] > b.last[-1] or b.made[0] > a.last[-1]:
    return ()
  # For each slot of b, the slots [low, high) of the part that are alive with it.
  low = np.maximum(np.searchsorted(a.last, b.made, side='left') - part[0], 0)
  high = np.minimum(np.searchsorted(a.made, b.last, side='right') - part[0], part[1])
  slots = np.flatnonzero(low < high)
  _remember(slots.size)
  begins = low[slots] * a_bytes - b_bytes + 1 - slots * b_bytes
  ends = high[slots] * a_bytes - slots * b_bytes
  return tuple(zip(slots.tolist(), begins.tolist(), ends.tolist()))


@functools.lru_cache(maxsize=1 << 16)
def blocked(
  a: LiveRanges, part: tuple[int, int], a_bytes: int, b: LiveRanges, b_bytes: int, first: int
) -> Intervals:
  """Where an item must not begin for the sake of its slots from `first` on."""
  _remember(1)
  return joined(
    (begin, end)
    for slot, begin, end in blocked_slots(a, part, a_bytes, b, b_bytes)
    if slot >= first
  )


# Intervals that the caches above hold at most, about a hundred bytes each.
_MOST_REMEMBERED = 1_000_000
_remembered = 0


def _remember(count: int) -> None:
  """Notes intervals that are about to be cached; forgets all before they are too many."""
  global _remembered
  _remembered += count
  if _remembered > _MOST_REMEMBERED:
    blocked_slots.cache_clear()
    blocked.cache_clear()
    _remembered = count


def joined(intervals: Iterable[Interval]) -> Intervals:
  """The union of intervals."""
  found: list[Interval] = []
  last = None
  for begin, end in sorted(intervals):
    if last is not None and begin <= last:
      if end > last:
        found[-1] = found[-1][0], end
        last = end
    else:
      found.append((begin, end))
      last = end
  return tuple(found)


def moved(intervals: Intervals, by: int) -> Intervals:
  """Intervals further on."""
  return tuple((begin + by, end + by) for begin, end in intervals) if by else intervals


class Splits(NamedTuple):
  """Where an item must not begin for the sake of a part of its slots.

  Attributes:
    fronts: [k]: of slots [0, k).
    backs: [k]: of slots [k, n).
  """

  fronts: list[Intervals]
  backs: list[Intervals]


def splits(blocked: Iterable[SlotInterval], n: int) -> Splits:
  """The splits of an item of n slots, from what is blocked for each slot."""
  by_slot: list[list[Interval]] = [[] for _ in range(n)]
  for slot, begin, end in blocked:
    by_slot[slot].append((begin, end))
  fronts: list[Intervals] = [()]
  for each in by_slot:
    fronts.append(joined([*fronts[-1], *each]) if each else fronts[-1])
  backs: list[Intervals] = [()]
  for each in reversed(by_slot):
    backs.append(joined([*backs[-1], *each]) if each else backs[-1])
  return Splits(fronts, backs[::-1])


def free(blocked: Intervals, limit: int, alignment: int) -> Iterator[tuple[int, int]]:
  """Ranges [low, high] of aligned offsets in 0..limit that lie in no interval."""
  low = 0
  for begin, end in (*blocked, (limit + 1, limit + 1)):
    first = -(-low // alignment) * alignment
    last = min(begin - 1, limit) // alignment * alignment
    if first <= last:
      yield first, last
    low = max(low, end)
