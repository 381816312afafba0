# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The search for a small layout.

For a given size of the workspace, items are placed one by one. One that finds no
place goes earlier in its order (Joslin and Clements, "Squeaky Wheel Optimization",
JAIR 10, 1999), or what worked last is varied. The size is lowered in steps that are
longer after a success and shorter after a failure. The search runs natively where
the planner's library was built, else, with the same result, in Python.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import random
from collections.abc import Sequence

import numpy as np

from tflm_patch.planner import limits
from tflm_patch.planner.memory.layout import (
  ALIGNMENT,
  Item,
  Layout,
  Piece,
  Place,
  Region,
  aligned,
  live_bytes,
  lower_bound,
)
from tflm_patch.planner.memory.packing import pack
from tflm_patch.planner.native import layouts, library

# Orders tried by a search: at most, at least, and so that this many items are placed.
_ATTEMPTS = 2880
_FEWEST = 360
_PLACED = 750_000
_BRIEF = 8  # the part of them for which there is little time
# Every which try begins again from what worked last.
_AGAIN = 5
_SEED = 0


@dataclasses.dataclass(frozen=True)
class Wish:
  """What layouts are of interest.

  Attributes:
    limit: Only those below this size; None for any.
    brief: Spend less time on it.
    enough: One of this size will do, smaller ones are not looked for.
  """

  limit: int | None = None
  brief: bool = False
  enough: int = 0


def find_layout(
  items: Sequence[Item], regions: Sequence[Region], length: int, wish: Wish
) -> Layout | None:
  """Places items in a workspace as small as can be found.

  Args:
    items: What is to be placed.
    regions: Memory beside the workspace.
    length: Number of steps.
    wish: What is of interest.

  Returns:
    The layout; None when none was found that is of interest.
  """
  if not items:
    return Layout((), 0) if wish.limit is None or wish.limit > 0 else None
  items = [_in_one_piece(item) for item in items]
  problem = layouts.problem(items, regions)
  if problem is not None:
    with contextlib.suppress(library.InPython):
      return layout_of(find_places(problem, length, wish))
  task = _first_task(
    wish,
    np.array([aligned(item.slot_bytes * len(item.shapes[0].made)) for item in items]),
    sum(len(item.rows.made) for item in items),
    lower_bound(items, regions, length),
    first_orders(items, length),
  )

  return search(items, regions, task)


def find_places(
  problem: layouts.LayoutProblem, length: int, wish: Wish
) -> tuple[np.ndarray, int] | None:
  """The same natively: places as the library has them, and the size of the workspace.

  Raises:
    InPython: the search must run in Python.
  """
  bound, orders = layouts.start(problem, length)
  sizes = problem.item_bytes()
  task = _first_task(wish, -(-sizes // ALIGNMENT) * ALIGNMENT, problem.slots(), bound, orders)
  return search_natively(problem, task)


def _first_task(
  wish: Wish,
  item_bytes: np.ndarray,
  slots: int,
  bound: int,
  orders: Sequence[Sequence[int]] | np.ndarray,
) -> Task:
  attempts = max(_FEWEST, min(_ATTEMPTS, _PLACED // len(item_bytes)))
  if wish.brief:
    attempts //= _BRIEF
  total = int(item_bytes.sum())
  will_do = min(wish.enough // ALIGNMENT * ALIGNMENT, total)
  most = total + ALIGNMENT
  return Task(
    max(bound, will_do),
    most if wish.limit is None else min(wish.limit, most),
    wish.limit is None,
    limits.layout_attempts(attempts, slots),
    _SEED,
    orders,
  )


def _in_one_piece(item: Item) -> Item:
  """The item, kept whole where it has so many slots that to try all splits takes too long."""
  if item.one_piece or len(item.rows.made) <= limits.MAX_SLOTS_IN_PIECES:
    return item
  return dataclasses.replace(item, one_piece=True)


@dataclasses.dataclass(frozen=True)
class Task:
  """What a search looks for.

  Attributes:
    bound: Bytes that no layout goes below.
    high: Only layouts below this size are to be found.
    unlimited: The size `high` will do, when nothing smaller is found.
    attempts: How many orders are tried.
    seed: Of the random orders.
    orders: What is tried first.
  """

  bound: int
  high: int
  unlimited: bool
  attempts: int
  seed: int
  orders: Sequence[Sequence[int]] | np.ndarray


def search(items: Sequence[Item], regions: Sequence[Region], task: Task) -> Layout | None:
  """The search in Python, the reference of the native one."""
  return _Search(items, regions, task).run(task.attempts)


def search_natively(problem: layouts.LayoutProblem, task: Task) -> tuple[np.ndarray, int] | None:
  """The same natively, places as the library has them.

  Raises:
    InPython: it must run in Python.
  """
  return layouts.find_layout(
    problem,
    layouts.LayoutLimits(task.bound, task.high, task.attempts, task.unlimited),
    np.ascontiguousarray(task.orders, np.int32),
    _state(task.seed),
  )


def layout_of(found: tuple[np.ndarray, int] | None) -> Layout | None:
  """What the library found as a layout."""
  return None if found is None else Layout(tuple(map(_place, found[0].tolist())), found[1])


@functools.lru_cache(maxsize=4)
def _state(seed: int) -> np.ndarray:
  """The state of `random.Random(seed)`, uint32."""
  return np.array(random.Random(seed).getstate()[1], np.uint32)


def _place(numbers: Sequence[int]) -> Place:
  """A place from its shape, the number of its pieces, and four numbers of each."""
  shape, pieces, *fields = numbers
  return Place(shape, tuple(Piece(*fields[4 * i : 4 * i + 4]) for i in range(pieces)))


class _Search:
  """Lowers the size of the workspace step by step, again and again with other orders."""

  def __init__(self, items: Sequence[Item], regions: Sequence[Region], task: Task) -> None:
    self._items = items
    self._regions = regions
    self._rng = random.Random(task.seed)
    self._bound = task.bound
    self._orders = [list(order) for order in task.orders]
    self._next = 0  # of the orders
    self._best: Layout | None = None
    self._best_order: list[int] = []
    self._unlimited = task.unlimited
    # Below this everything is to be found.
    self._high = task.high

  def run(self, attempts: int) -> Layout | None:
    patience = attempts // 3
    share = 8  # of the attempts, for one size
    idle = 0
    step = aligned((self._high - self._bound) // 2)
    while attempts > 0 and idle < patience and self._bound < self._high:
      high = self._high
      step = max(step, ALIGNMENT)
      size = max((high - step) // ALIGNMENT * ALIGNMENT, self._bound)
      used = self._try(size, min(share, attempts, patience - idle))
      attempts -= used
      if self._high < high:
        idle = 0
        step = aligned(2 * (high - self._high))
        continue
      idle += used
      if step > ALIGNMENT:
        step = aligned(step // 2)
      else:
        share *= 2
        step = aligned((high - self._bound) // 4)
    if self._best is None and self._unlimited:
      self._try(self._high, len(self._orders))
    return self._best

  def _try(self, size: int, tries: int) -> int:
    """Looks for a layout of this size; returns the number of orders tried."""
    for attempt in range(tries):
      number, order = self._take_order(attempt)
      rng = self._rng if self._rng.random() < 0.85 else None
      outcome = pack(self._items, self._regions, size, order, rng)
      if not isinstance(outcome, int):
        self._best, self._high = Layout(outcome, size), size
        # What worked is tried first for the next size.
        del self._orders[number]
        self._orders.insert(0, order)
        self._best_order = order
        self._next = 0
        return attempt + 1
      # The item that found no place goes earlier.
      order = list(order)
      at = order.index(outcome)
      order.insert(self._rng.randrange(at) if at else 0, order.pop(at))
      self._orders[number] = order
    return tries

  def _take_order(self, attempt: int) -> tuple[int, list[int]]:
    """The order that comes next, or what worked last with an item elsewhere, and its number."""
    number = self._next % len(self._orders)
    self._next += 1
    if self._best is None or attempt % _AGAIN != _AGAIN - 1:
      return number, self._orders[number]
    order = list(self._best_order)
    i, j = self._rng.randrange(len(order)), self._rng.randrange(len(order))
    order.insert(j, order.pop(i))
    return number, order


def first_orders(items: Sequence[Item], length: int) -> list[list[int]]:
  """Orders by rule: by size, by what is alive beside them, by begin, by span."""
  indices = list(range(len(items)))
  size = [item.slot_bytes * len(item.shapes[0].made) for item in items]
  live_ranges = [item.rows for item in items]
  begin = [live.first_time for live in live_ranges]
  span = [live.last_time - live.first_time for live in live_ranges]
  held = live_bytes(items, length)
  crowd = [int(held[max(0, live.first_time) : live.last_time + 1].max()) for live in live_ranges]
  return [
    sorted(indices, key=lambda i: (-size[i], begin[i])),
    sorted(indices, key=lambda i: (-crowd[i], -size[i])),
    sorted(indices, key=lambda i: (begin[i], -size[i])),
    sorted(indices, key=lambda i: (-span[i], -size[i])),
    sorted(indices, key=lambda i: (-begin[i], -size[i])),
  ]
