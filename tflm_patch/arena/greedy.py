# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TFLM's greedy memory planner: where each buffer of the head lies.

Buffers that an offline plan has placed come first, in their order. Of the others
the larger come before the smaller, and among equals the one that was added last
comes first. Each goes into the first gap, in order of offsets, between the buffers
that are alive at the same time.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Requirement:
  """A buffer to place.

  Attributes:
    size: Bytes.
    first, last: The steps in which it is alive, both included.
    offset: Its place in an offline plan, None when the planner is to choose.
  """

  size: int
  first: int
  last: int
  offset: int | None = None


def place(requirements: Sequence[Requirement]) -> list[int]:
  """Offsets of the buffers, in the order in which they are given."""
  offsets = [0] * len(requirements)
  fixed = [i for i, wanted in enumerate(requirements) if wanted.offset is not None]
  free = [i for i, wanted in enumerate(requirements) if wanted.offset is None]
  free.reverse()
  free.sort(key=lambda i: -requirements[i].size)

  # The placed buffers in order of offsets, as (offset, end, first, last); among
  # equal offsets the one placed first comes first.
  placed: list[tuple[int, int, int, int]] = []
  keys: list[int] = []
  for i in fixed + free:
    wanted = requirements[i]
    offset = _first_gap(placed, wanted) if wanted.offset is None else wanted.offset
    at = bisect.bisect_right(keys, offset)
    keys.insert(at, offset)
    placed.insert(at, (offset, offset + wanted.size, wanted.first, wanted.last))
    offsets[i] = offset
  return offsets


def peak(requirements: Sequence[Requirement], offsets: Sequence[int]) -> int:
  """Bytes that the plan takes."""
  return max((offset + wanted.size for wanted, offset in zip(requirements, offsets)), default=0)


def _first_gap(placed: list[tuple[int, int, int, int]], wanted: Requirement) -> int:
  candidate = 0
  size, wanted_first, wanted_last = wanted.size, wanted.first, wanted.last
  for offset, end, first, last in placed:
    if first > wanted_last or last < wanted_first:
      continue
    if offset - candidate >= size:
      break
    if end > candidate:
      candidate = end
  return candidate
