# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The native search for layouts gives what the one in Python gives, to the byte."""

import numpy as np
import pytest
from support import effort
from support.random_layouts import random_item, random_problem

from tflm_patch.planner.memory import layout, layout_search
from tflm_patch.planner.memory.layout import Item, Region
from tflm_patch.planner.native import layouts, library
from tflm_patch.planner.schedule.live_ranges import LiveRanges


@pytest.fixture(autouse=True)
def needs_library():
  if library.load() is None:
    pytest.skip("needs the planner's library")


def both(items, regions, length, **changes):
  """What the search finds in Python and natively."""
  total = sum(layout.aligned(item.slot_bytes * len(item.shapes[0].made)) for item in items)
  settings = {
    'bound': layout.lower_bound(items, regions, length),
    'high': layout.aligned(total) + layout.ALIGNMENT,
    'unlimited': True,
    'attempts': 60,
    'seed': 0,
    'orders': layout_search.first_orders(items, length),
  } | changes
  task = layout_search.Task(**settings)
  found = layout_search.search_natively(layouts.problem(items, regions), task)
  return layout_search.search(items, regions, task), layout_search.layout_of(found)


def assert_valid(found, items, regions, length):
  """No two slots that are alive at one time overlap, all are aligned and inside."""
  sizes = [found.bytes, *(region.size for region in regions)]
  slots = []
  for item, place in zip(items, found.places):
    lives = item.shapes[place.shape]
    numbers = [s for piece in place.pieces for s in range(piece.first, piece.first + piece.count)]
    assert numbers == list(range(len(lives.made)))
    assert len(place.pieces) == 1 or not item.one_piece
    for piece in place.pieces:
      assert piece.offset % item.alignment == 0
      assert piece.offset >= 0
      assert piece.offset + piece.count * item.slot_bytes <= sizes[piece.region]
      for k in range(piece.count):
        s = piece.first + k
        at = piece.offset + k * item.slot_bytes
        slots.append((piece.region, at, at + item.slot_bytes, lives.made[s], lives.last[s]))
  for number, region in enumerate(regions, 1):
    rows = region.owner.rows
    size = region.owner.slot_bytes
    slots += [
      (number, s * size, (s + 1) * size, rows.made[s], rows.last[s]) for s in range(len(rows.made))
    ]
  for i, a in enumerate(slots):
    for b in slots[:i]:
      apart = a[0] != b[0] or a[2] <= b[1] or b[2] <= a[1] or a[4] < b[3] or b[4] < a[3]
      assert apart, (a, b)


@pytest.mark.slow
def test_random_layouts_are_the_same():
  rng = np.random.default_rng(3)
  split = limited = 0
  for _ in range(effort.examples(150)):
    items, regions, length = random_problem(rng)
    expected, found = both(items, regions, length, seed=int(rng.integers(2)))
    assert found == expected
    if found is not None:
      assert_valid(found, items, regions, length)
      split += any(len(place.pieces) > 1 for place in found.places)
      expected, found = both(items, regions, length, unlimited=False, high=found.bytes, attempts=20)
      assert found == expected
      limited += found is None
  assert split and limited  # both were among them


def test_orders_and_numbers_are_drawn_alike_in_long_searches():
  rng = np.random.default_rng(5)
  items = [random_item(rng, 60) for _ in range(25)]
  for seed in (0, 1):
    expected, found = both(items, [], 60, attempts=400, seed=seed)
    assert found == expected


def test_find_layout_is_the_same_without_the_library(monkeypatch):
  rng = np.random.default_rng(7)
  problems = [random_problem(rng) for _ in range(6)]
  with_library = [
    layout_search.find_layout(*each, layout_search.Wish(brief=True)) for each in problems
  ]
  monkeypatch.setattr(library, 'load', lambda: None)
  assert [
    layout_search.find_layout(*each, layout_search.Wish(brief=True)) for each in problems
  ] == with_library


def test_searches_begin_alike():
  """The bound, the first orders and the sizes are those of the reference in Python."""
  rng = np.random.default_rng(13)
  for _ in range(50):
    items, regions, length = random_problem(rng)
    problem = layouts.problem(items, regions)
    bound, orders = layouts.start(problem, length)
    assert bound == layout.lower_bound(items, regions, length)
    assert orders.tolist() == layout_search.first_orders(items, length)
    assert problem.slots() == sum(len(item.rows.made) for item in items)
    sizes = [item.slot_bytes * len(item.shapes[0].made) for item in items]
    assert problem.item_bytes().tolist() == sizes
    found = layout_search.find_places(problem, length, layout_search.Wish(brief=True))
    used = layouts.used_bytes(problem, found[0])
    assert layout.aligned(used) == layout_search.layout_of(found).used_bytes(items)


def test_many_tall_items():
  """Hundreds of rows, more shapes than pairs are remembered for."""
  rng = np.random.default_rng(11)
  items = [random_item(rng, 900, most_rows=40) for _ in range(300)]
  regions = [Region(4000, Item(40, (LiveRanges(np.zeros(100, int), np.arange(100)),)))]
  expected, found = both(items, regions, 900, attempts=4)
  assert found == expected


def test_too_many_intervals_are_left_to_python():
  """Slots that come and go apart from each other block more than the library holds."""
  times = np.arange(0, 40_000, 4)
  comb = LiveRanges(times, times)
  items = [Item(1, (comb,)), Item(3, (LiveRanges(times, times + 1),), one_piece=True)]
  problem = layouts.problem(items, [])
  task = layout_search.Task(0, 16, False, 4, 0, [[0, 1]])
  try:
    found = layout_search.layout_of(layout_search.search_natively(problem, task))
  except library.InPython:
    return
  assert found == layout_search.search(items, [], task)


def test_items_without_bytes_are_placed_in_python():
  assert layouts.problem([Item(0, (LiveRanges(np.array([0]), np.array([1])),))], []) is None


def test_numbers_are_those_of_python():
  """The state moves on as Python's: the twister is filled again many times."""
  items = [
    Item(16 * (1 + i % 5), (LiveRanges(np.arange(i, i + 9), np.arange(i + 3, i + 12)),))
    for i in range(12)
  ]
  expected, found = both(items, [], 40, attempts=500, seed=1, bound=0)
  assert found == expected
