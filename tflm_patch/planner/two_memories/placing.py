# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Places for what a choice puts into the fast memory, and for the rest in the arena."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tflm_patch.planner.laid_out import Candidate, LaidOutTwice
from tflm_patch.planner.memory import layout_search
from tflm_patch.planner.memory.layout import WORKSPACE, Layout, Place, Region
from tflm_patch.planner.memory.layout_search import Wish
from tflm_patch.planner.two_memories.choice import Choice, FastItem

# What is alive at once may fit and yet find no places: so often a part is left out.
_TRIES = 8
_LEFT_OUT = 0.04


def lay_out(
  candidate: Candidate, regions: Sequence[Region], choice: Choice, fast_bytes: int
) -> LaidOutTwice:
  """Places in both memories.

  Args:
    candidate: The segments.
    regions: Memory of the stage's tensors that may be used.
    choice: What is to lie in fast memory; the last of it may find no place there.
    fast_bytes: How much there is.
  """
  buffers = candidate.buffers
  items, found = _fast_layout(choice.items, buffers.length, fast_bytes)
  in_fast = {item.buffer: place for item, place in zip(items, found.places)}
  spare = {
    item.op: (item.bytes, place.pieces[0].offset)
    for item, place in zip(items, found.places)
    if item.op is not None
  }
  rest = [item for b, item in enumerate(buffers.items) if b not in in_fast]
  slow = layout_search.find_layout(rest, regions, buffers.length, Wish(brief=True))
  assert slow is not None
  at = len(regions) + 1
  others = iter(slow.places)
  places = tuple(
    _moved(in_fast[b], at) if b in in_fast else next(others) for b in range(len(buffers.buffers))
  )
  return LaidOutTwice(
    candidate.graph,
    candidate.cuts,
    candidate.operators,
    buffers,
    tuple(regions),
    Layout(places, slow.bytes),
    fast_bytes=found.used_bytes([item.item for item in items]),
    spare=spare,
    in_fast=frozenset(b for b in in_fast if b is not None),
  )


def _fast_layout(
  items: Sequence[FastItem], length: int, fast_bytes: int
) -> tuple[Sequence[FastItem], Layout]:
  """As many of the first items as find places."""
  size = fast_bytes // 16 * 16
  for _ in range(_TRIES):
    wish = Wish(size + 1, brief=True, enough=size)
    found = layout_search.find_layout([item.item for item in items], (), length, wish)
    if found is not None:
      return items, found
    items = items[: len(items) - max(1, int(_LEFT_OUT * len(items)))]
  return (), Layout((), 0)


def _moved(place: Place, region: int) -> Place:
  pieces = tuple(
    dataclasses.replace(piece, region=region) for piece in place.pieces if piece.region == WORKSPACE
  )
  return dataclasses.replace(place, pieces=pieces)
