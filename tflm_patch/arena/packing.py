# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Offsets for buffers of known live_ranges: a better packing than one greedy pass.

Placing the buffers in the order of their offsets in a best packing, each as low as
it fits, gives that packing again. So the search is over orders: several by rule,
then exchanges in the best of them, driven by the buffers that reach the top. It
ends at the lower bound, the most bytes that are alive at once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from tflm_patch.arena.greedy import Requirement

_SEED = 1
# Placements of single buffers that a search may cost; some tenths of a microsecond each
# for every buffer placed before.
_EFFORT = 2_000_000
_MAX_ROUNDS = 3000

Order = list[int]


def lower_bound(requirements: Sequence[Requirement]) -> int:
  """The most bytes that are alive at once."""
  change: dict[int, int] = {}
  for wanted in requirements:
    change[wanted.first] = change.get(wanted.first, 0) + wanted.size
    change[wanted.last + 1] = change.get(wanted.last + 1, 0) - wanted.size
  live = most = 0
  for at in sorted(change):
    live += change[at]
    most = max(most, live)
  return most


class Packer:
  """Searches offsets for buffers; offsets in the requirements are not regarded.

  Args:
    requirements: The buffers.
    shared: Of a buffer, the one that it begins in the same place as, which is at least as
      large and whose last step is the buffer's first.
  """

  def __init__(
    self, requirements: Sequence[Requirement], shared: Mapping[int, int] | None = None
  ) -> None:
    shared = shared or {}
    # What lies in one place, in the order of steps, by what comes first.
    self._members: dict[int, list[int]] = {}
    for i in sorted(range(len(requirements)), key=lambda i: (requirements[i].first, i in shared)):
      first = i
      while first in shared:
        first = shared[first]
      self._members.setdefault(first, []).append(i)
    self._members = dict(sorted(self._members.items()))
    self._count = len(requirements)
    parts = {first: _parts(requirements, own) for first, own in self._members.items()}
    self.bound = lower_bound([part for each in parts.values() for part in each])
    # By what comes first in a place: what the place needs as a whole.
    self._wanted = {
      first: Requirement(each[0].size, each[0].first, each[-1].last)
      for first, each in parts.items()
    }
    # The places in use together with each, and the bytes of the one and of the other then.
    self._meets = {
      i: [(j, *found) for j in parts if j != i and (found := _together(parts[i], parts[j]))]
      for i in parts
    }
    self._is_plain = not shared

  def place(self, order: Order) -> list[int]:
    """Puts each buffer as low as it fits between those placed before."""
    offsets = [-1] * self._count
    for i in order:
      taken = sorted(
        (offsets[j], offsets[j] + theirs, own)
        for j, own, theirs in self._meets[i]
        if offsets[j] >= 0
      )
      offsets[i] = self._lowest(taken)
    for i, members in self._members.items():
      for member in members:
        offsets[member] = offsets[i]
    return offsets

  def _lowest(self, taken: Sequence[tuple[int, int, int]]) -> int:
    """The first offset at which no range [start, end) meets the bytes that must not."""
    at, before = 0, -1
    while at != before:
      before = at
      for start, end, size in taken:
        if start - at < size:
          at = max(at, end)
        elif self._is_plain:  # all sizes are the same
          return at
    return at

  def search(self, cost: Callable[[list[int]], int]) -> list[int]:
    """The offsets of the lowest cost that were found.

    Args:
      cost: Of offsets; at least the bound, at which the search ends.
    """
    starts = [(cost(self.place(order)), order) for order in self._orders()]
    best_cost, best = min(starts, key=lambda start: start[0])
    rng = random.Random(_SEED)
    count = max(1, len(best))
    rounds = min(_MAX_ROUNDS, _EFFORT // (count * count))
    at_cost, at = best_cost, best
    for turn in range(rounds):
      if best_cost <= self.bound:
        break
      if turn % 200 == 199:  # somewhere else, since this leads nowhere
        at_cost, at = starts[rng.randrange(len(starts))]
      order = self._exchanged(at, rng)
      found = cost(self.place(order))
      if found <= at_cost:
        at_cost, at = found, order
      if found < best_cost:
        best_cost, best = found, order
    return self.place(best)

  def _orders(self) -> list[Order]:
    wanted = self._wanted
    live: dict[int, int] = {}
    times = sorted({t for each in wanted.values() for t in (each.first, each.last)})
    for t in times:
      live[t] = sum(each.size for each in wanted.values() if each.first <= t <= each.last)
    pressure = {
      i: max(live[t] for t in times if each.first <= t <= each.last) for i, each in wanted.items()
    }
    keys: list[Callable[[int], tuple[int, ...]]] = [
      lambda i: (-wanted[i].size, -i),
      lambda i: (-(wanted[i].last - wanted[i].first), -wanted[i].size),
      lambda i: (-wanted[i].size * (wanted[i].last - wanted[i].first + 1),),
      lambda i: (wanted[i].first, -wanted[i].size),
      lambda i: (-wanted[i].last, -wanted[i].size),
      lambda i: (-pressure[i], -wanted[i].size),
      lambda i: (-pressure[i], wanted[i].first),
      lambda i: (-pressure[i], -(wanted[i].last - wanted[i].first), -wanted[i].size),
    ]
    return [sorted(wanted, key=key) for key in keys]

  def _exchanged(self, order: Order, rng: random.Random) -> Order:
    """Moves a buffer that reaches the top, or one that it stands on, to an earlier place."""
    offsets = self.place(order)
    tops = {i: offsets[i] + each.size for i, each in self._wanted.items()}
    highest = max(tops.values())
    top = rng.choice([i for i, end in tops.items() if end == highest])
    meets = [j for j, _, _ in self._meets[top]]
    moved = rng.choice([top, *meets]) if rng.random() < 0.5 else top
    at = order.index(moved)
    changed = list(order)
    changed.pop(at)
    changed.insert(rng.randrange(at + 1) if at else rng.randrange(len(order)), moved)
    return changed


def _parts(requirements: Sequence[Requirement], members: Sequence[int]) -> list[Requirement]:
  """What a place holds, step by step: the buffers in it, none counted twice."""
  parts = [requirements[members[0]]]
  for member in members[1:]:
    wanted = requirements[member]
    if wanted.last > parts[-1].last:
      parts.append(Requirement(wanted.size, parts[-1].last + 1, wanted.last))
  return parts


def _together(some: Sequence[Requirement], others: Sequence[Requirement]) -> tuple[int, int] | None:
  """The most bytes of each of two places while both are in use; None when they never are."""
  meeting = [(a, b) for a in some for b in others if a.first <= b.last and b.first <= a.last]
  if not meeting:
    return None
  return max(a.size for a, _ in meeting), max(b.size for _, b in meeting)
