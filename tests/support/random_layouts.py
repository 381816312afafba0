# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Random items to be placed: rings, whole maps, scratch, at all alignments."""

import numpy as np

from tflm_patch.planner.memory.layout import Item, Region
from tflm_patch.planner.schedule.live_ranges import LiveRanges, live_ranges_of


def _map_lives(rng, length, most_rows):
  """Lives of a map's rows: made one after the other, each read for some time."""
  rows = int(rng.integers(1, most_rows + 1))
  begin = int(rng.integers(-1, length))
  made = np.minimum(begin + np.cumsum(rng.integers(0, 4, rows)), length - 1)
  last = np.minimum(made + rng.integers(0, 12), length) + rng.integers(0, 3, rows)
  return live_ranges_of(made.astype(np.int64), np.clip(last, 0, length).astype(np.int64))


def random_item(rng, length, most_rows=12):
  """An item as the planner makes them, and a few that it does not."""
  lives = _map_lives(rng, length, most_rows)
  alignment = int(rng.choice([1, 1, 1, 2, 4, 16]))
  slot_bytes = alignment * int(rng.integers(1, 200))
  if rng.random() < 0.05:
    slot_bytes += 1  # the second piece of it is aligned otherwise
  shapes = [lives]
  rows = len(lives.made)
  if rows > 1 and rng.random() < 0.6:
    height = int(rng.integers(1, rows))
    end = np.full(height, lives.last_time, np.int64)
    shapes.insert(0, LiveRanges(lives.made[:height], end))
    if rng.random() < 0.2:
      shapes.pop()
  return Item(slot_bytes, tuple(shapes), alignment, one_piece=rng.random() < 0.2)


def random_problem(rng):
  """Items, regions and the number of steps."""
  length = int(rng.integers(1, 120))
  items = [random_item(rng, length) for _ in range(int(rng.integers(1, 14)))]
  regions = []
  for _ in range(int(rng.integers(0, 4))):
    owner = Item(int(rng.integers(1, 100)), (_map_lives(rng, length, 8),))
    size = owner.slot_bytes * len(owner.rows.made)
    regions.append(Region(size, owner))
  return items, regions, length
