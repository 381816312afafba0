# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Layouts: what is alive together lies apart, aligned, within its region."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import examples
from support.random_layouts import random_problem

from tflm_patch.planner.memory.layout import ALIGNMENT, Item, aligned, live_bytes, lower_bound
from tflm_patch.planner.memory.layout_search import Wish, find_layout
from tflm_patch.planner.memory.packing import place_beside
from tflm_patch.planner.native.library import load
from tflm_patch.planner.schedule.live_ranges import LiveRanges


def alive(begin: int, end: int, rows: int = 1) -> LiveRanges:
  return LiveRanges(np.full(rows, begin, np.int64), np.full(rows, end, np.int64))


def slots_of(item, place):
  """(region, first byte, lives from, lives to) of every slot."""
  shape = item.shapes[place.shape]
  for piece in place.pieces:
    for k in range(piece.count):
      slot = piece.first + k
      at = piece.offset + k * item.slot_bytes
      yield piece.region, at, int(shape.made[slot]), int(shape.last[slot])


def check_layout(items, regions, layout):
  """Byte by byte and step by step: nobody else's."""
  owners: dict[tuple[int, int, int], int] = {}
  sizes = [layout.bytes, *(region.size for region in regions)]
  for k, region in enumerate(regions):
    shape = region.owner.rows
    for slot, (begin, end) in enumerate(zip(shape.made, shape.last)):
      for at in range(slot * region.owner.slot_bytes, (slot + 1) * region.owner.slot_bytes):
        for time in range(int(begin), int(end) + 1):
          owners[k + 1, at, time] = -1 - k
  for i, (item, place) in enumerate(zip(items, layout.places, strict=True)):
    assert place.pieces[0].first == 0
    count = sum(piece.count for piece in place.pieces)
    assert count == len(item.shapes[place.shape].made)
    assert len(place.pieces) <= (1 if item.one_piece else 2)
    for piece in place.pieces:
      assert piece.offset % item.alignment == 0
    for region, at, begin, end in slots_of(item, place):
      assert at >= 0 and at + item.slot_bytes <= sizes[region]
      for byte in range(at, at + item.slot_bytes):
        for time in range(begin, end + 1):
          assert owners.setdefault((region, byte, time), i) == i


@settings(max_examples=examples(25))
@given(st.integers(0, 2**32 - 1))
def test_whatever_is_to_be_placed(seed):
  items, regions, length = random_problem(np.random.default_rng(seed))
  small = [
    Item(
      max(item.alignment, item.slot_bytes // 8 // item.alignment * item.alignment),
      item.shapes,
      item.alignment,
      item.one_piece,
    )
    for item in items
  ]
  layout = find_layout(small, regions, length, Wish(brief=True))
  assert layout is not None
  check_layout(small, regions, layout)
  assert layout.bytes % ALIGNMENT == 0
  chosen = [
    dataclasses.replace(item, shapes=(item.shapes[place.shape],))
    for item, place in zip(small, layout.places)
  ]
  assert lower_bound(chosen, regions, length) <= layout.bytes


def test_one_after_the_other_share_memory():
  items = [Item(96, (alive(0, 3),)), Item(96, (alive(4, 7),))]
  layout = find_layout(items, [], 8, Wish())
  assert layout is not None and layout.bytes == 96
  assert layout.used_bytes(items) == 96


def test_together_do_not():
  items = [Item(96, (alive(0, 4),)), Item(40, (alive(4, 7),))]
  layout = find_layout(items, [], 8, Wish())
  assert layout is not None and layout.bytes == aligned(136) == 144
  assert list(live_bytes(items, 8)) == [96, 96, 96, 96, 136, 40, 40, 40]


def test_a_limit_is_kept_or_nothing_found():
  items = [Item(96, (alive(0, 4),)), Item(48, (alive(4, 7),))]
  assert find_layout(items, [], 8, Wish(limit=144)) is None
  found = find_layout(items, [], 8, Wish(limit=160))
  assert found is not None and found.bytes == 144


def test_an_item_may_follow_another_row_by_row():
  """Rows of a map lie where those of the map that they are computed from were."""
  rows = np.arange(8)
  source = Item(16, (LiveRanges(np.full(8, -1, np.int64), rows),))
  target = Item(16, (LiveRanges(rows, np.full(8, 8, np.int64)),))
  layout = find_layout([source, target], [], 9, Wish())
  assert layout is not None and layout.bytes == 9 * 16


@pytest.mark.parametrize(('size', 'fits'), [(32, True), (48, False)])
def test_what_is_beside_a_layout_takes_what_is_free(size, fits):
  items = [Item(96, (alive(0, 3),)), Item(64, (alive(4, 7),))]
  layout = find_layout(items, [], 8, Wish())
  assert layout is not None
  (place,) = place_beside(layout, items, [], [[Item(size, (alive(4, 7),))]])
  assert (place is not None) == fits


def test_nothing_needs_nothing():
  layout = find_layout([], [], 5, Wish())
  assert layout is not None and layout.bytes == 0 and not layout.places
  assert list(live_bytes([], 5)) == [0] * 5 and lower_bound([], [], 5) == 0


def cut_apart(rng: np.random.Generator, pieces: int, size: int, length: int) -> list[Item]:
  """Items that fill a workspace of this size at all times: a rectangle, cut and cut."""
  parts = [(0, size, 0, length)]
  while len(parts) < pieces:
    at = int(np.argmax([(high - low) * (end - begin) for low, high, begin, end in parts]))
    low, high, begin, end = parts.pop(at)
    if rng.random() < 0.5 and end - begin > 1:
      time = int(rng.integers(begin + 1, end))
      parts += [(low, high, begin, time), (low, high, time, end)]
    else:
      place = low + ALIGNMENT * int(rng.integers(1, (high - low) // ALIGNMENT))
      parts += [(low, place, begin, end), (place, high, begin, end)]
  return [Item(high - low, (alive(begin, end - 1),)) for low, high, begin, end in parts]


@pytest.mark.skipif(load() is None, reason='the search in Python takes longer')
def test_what_fits_without_a_gap_is_found_nearly_so():
  rng = np.random.default_rng(5)
  sizes = [
    found.bytes
    for _ in range(10)
    if (found := find_layout(cut_apart(rng, 60, 8192, 60), [], 60, Wish())) is not None
  ]
  assert len(sizes) == 10
  assert np.mean(sizes) < 1.09 * 8192
