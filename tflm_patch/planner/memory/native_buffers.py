# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the native library found that segments need, as the planner's objects."""

from __future__ import annotations

import itertools

from tflm_patch.planner.ir.stage_graph import InPlace, StageGraph
from tflm_patch.planner.memory.buffers import Buffer, Buffers
from tflm_patch.planner.memory.layout import ALIGNMENT, Item
from tflm_patch.planner.native.library import BufferArrays
from tflm_patch.planner.schedule.live_ranges import LiveRanges


def buffers_from(graph: StageGraph, arrays: BufferArrays) -> Buffers:
  """The same as one of `buffers.variants` for what the arrays are of."""
  count = arrays.of_maps + arrays.of_ops + arrays.of_tensors
  guests: list[list[tuple[int, InPlace]]] = [[] for _ in range(count)]
  for item, m, *how in arrays.guest.tolist():
    guests[item].append((m, InPlace(*how)))
  owners = arrays.owner.tolist()
  items = _items(graph, arrays, owners)
  scratch = arrays.of_maps + arrays.of_ops
  buffers = [Buffer(items[k], owners[k], tuple(guests[k])) for k in range(arrays.of_maps)]
  buffers += [Buffer(items[k], op=owners[k]) for k in range(arrays.of_maps, scratch)]
  tensors = {owners[k]: items[k] for k in range(scratch, scratch + arrays.of_tensors)}
  in_outputs = {m: owners[k] for k in range(scratch, count) for m, _ in guests[k]}
  return Buffers(tuple(buffers), tensors, len(arrays.order), in_outputs)


def _items(graph: StageGraph, arrays: BufferArrays, owners: list[int]) -> list[Item]:
  """The items of maps, scratch and tensors, in the order of the arrays."""
  count = arrays.of_maps + arrays.of_ops + arrays.of_tensors
  first_shape = arrays.first_shape[: count + 1].tolist()
  begins = arrays.first_slot[: first_shape[-1] + 1].tolist()
  live_ranges = [
    LiveRanges(arrays.made[begin:end], arrays.last[begin:end])
    for begin, end in itertools.pairwise(begins)
  ]
  alignment = [graph.maps[m].dtype.bytes or 1 for m in owners[: arrays.of_maps]]
  alignment += [ALIGNMENT] * arrays.of_ops + [1] * arrays.of_tensors
  return [
    Item(slot_bytes, tuple(live_ranges[a:b]), aligned, one_piece=bool(one_piece))
    for slot_bytes, one_piece, aligned, a, b in zip(
      arrays.slot_bytes.tolist(), arrays.one_piece.tolist(), alignment, first_shape, first_shape[1:]
    )
  ]
