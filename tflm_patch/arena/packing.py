# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Offsets for buffers of known lifetimes: a better packing than one greedy pass.

Placing the buffers in the order of their offsets in a best packing, each as low as
it fits, gives that packing again. So the search is over orders: several by rule,
then exchanges in the best of them, driven by the buffers that reach the top. It
ends at the lower bound, the most bytes that are alive at once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

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
  """Searches offsets for buffers; offsets in the requirements are not regarded."""

  def __init__(self, requirements: Sequence[Requirement]) -> None:
    self._wanted = requirements
    self.bound = lower_bound(requirements)
    count = len(requirements)
    # The buffers that are alive together with each.
    self._meets = [
        [
            j for j in range(count)
            if j != i and a.first <= requirements[j].last and requirements[j].first <= a.last
        ]
        for i, a in enumerate(requirements)
    ]  # fmt: skip

  def place(self, order: Order) -> list[int]:
    """Puts each buffer as low as it fits between those placed before."""
    offsets = [-1] * len(self._wanted)
    for i in order:
      size, candidate = self._wanted[i].size, 0
      taken = sorted(
          (offsets[j], offsets[j] + self._wanted[j].size) for j in self._meets[i] if offsets[j] >= 0
      )
      for start, end in taken:
        if start - candidate >= size:
          break
        candidate = max(candidate, end)
      offsets[i] = candidate
    return offsets

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
    times = sorted({t for each in wanted for t in (each.first, each.last)})
    for t in times:
      live[t] = sum(each.size for each in wanted if each.first <= t <= each.last)
    pressure = [
        max(live[t] for t in times if each.first <= t <= each.last) for each in wanted
    ]
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
    indices = range(len(wanted))
    return [sorted(indices, key=key) for key in keys]

  def _exchanged(self, order: Order, rng: random.Random) -> Order:
    """Moves a buffer that reaches the top, or one that it stands on, to an earlier place."""
    offsets = self.place(order)
    tops = [offset + each.size for offset, each in zip(offsets, self._wanted)]
    highest = max(tops)
    top = rng.choice([i for i, end in enumerate(tops) if end == highest])
    moved = rng.choice([top, *self._meets[top]]) if rng.random() < 0.5 else top
    at = order.index(moved)
    changed = list(order)
    changed.pop(at)
    changed.insert(rng.randrange(at + 1) if at else rng.randrange(len(order)), moved)
    return changed
