# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The native search for layouts: items and regions as arrays, and what is found for them."""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tflm_patch.planner.native.library import MOST_MEMORY, BufferArrays, InPython, load

if TYPE_CHECKING:
  from tflm_patch.planner.memory.layout import Item, Region

_FOUND = 1
_NONE = 0
# Orders by rule, as orders.h has them.
_FIRST_ORDERS = 5
# int64 numbers of a place: its shape, the number of pieces, twice four of a piece.
_PLACE_NUMBERS = 10


class _ProblemStruct(ctypes.Structure):
  _fields_ = (
    ('items', ctypes.c_int32),
    ('regions', ctypes.c_int32),
    ('slot_bytes', ctypes.c_void_p),
    ('alignment', ctypes.c_void_p),
    ('one_piece', ctypes.c_void_p),
    ('first_shape', ctypes.c_void_p),
    ('first_slot', ctypes.c_void_p),
    ('made', ctypes.c_void_p),
    ('last', ctypes.c_void_p),
    ('region_bytes', ctypes.c_void_p),
  )


class _SearchStruct(ctypes.Structure):
  _fields_ = (
    ('bound', ctypes.c_int64),
    ('high', ctypes.c_int64),
    ('attempts', ctypes.c_int32),
    ('unlimited', ctypes.c_int32),
    ('order_count', ctypes.c_int32),
    ('order', ctypes.c_void_p),
  )


@dataclasses.dataclass(frozen=True)
class LayoutProblem:
  """Items and regions as the library takes them.

  Attributes:
    items: How many there are.
    struct: Points to the arrays.
    arrays: In the order of the structure.
  """

  items: int
  struct: _ProblemStruct
  arrays: tuple[np.ndarray, ...]

  @classmethod
  def of(cls, items: int, arrays: tuple[np.ndarray, ...]) -> LayoutProblem:
    """A problem of contiguous arrays, those of `tflm_patch_layout_problem` in its order."""
    struct = _ProblemStruct(items, len(arrays[-1]), *(array.ctypes.data for array in arrays))
    return cls(items, struct, arrays)

  def item_bytes(self) -> np.ndarray:
    """Bytes of each item in its first shape."""
    slot_bytes, _, _, first_shape, first_slot, *_ = self.arrays
    shapes = first_shape[: self.items]
    return slot_bytes[: self.items] * (first_slot[shapes + 1] - first_slot[shapes])

  def slots(self) -> int:
    """Slots of all items, each in its shape of the most."""
    _, _, _, first_shape, first_slot, *_ = self.arrays
    slots = np.diff(first_slot[: int(first_shape[self.items]) + 1])
    return int(np.maximum.reduceat(slots, first_shape[: self.items]).sum())


@dataclasses.dataclass(frozen=True)
class LayoutLimits:
  """As `layout_search.Task` has them."""

  bound: int
  high: int
  attempts: int
  unlimited: bool


def problem(items: Sequence[Item], regions: Sequence[Region]) -> LayoutProblem | None:
  """Items to be placed and regions; None when they are to be placed in Python."""
  owners = [region.owner for region in regions]
  shapes = [item.shapes for item in items] + [(owner.rows,) for owner in owners]
  flat = [shape for each in shapes for shape in each]
  slot_bytes = np.array([item.slot_bytes for item in (*items, *owners)], np.int64)
  if load() is None or slot_bytes.min(initial=1) < 1:
    return None
  arrays = (
    slot_bytes,
    np.array([item.alignment for item in items], np.int64),
    np.array([item.one_piece for item in items], np.int32),
    _begins(shapes),
    _begins([shape.made for shape in flat]),
    np.concatenate([shape.made for shape in flat], dtype=np.int64),
    np.concatenate([shape.last for shape in flat], dtype=np.int64),
    np.array([region.size for region in regions], np.int64),
  )
  return LayoutProblem.of(len(items), arrays)


def problem_of(buffers: BufferArrays, alignment: np.ndarray, most_slots: int) -> LayoutProblem:
  """What segments need as items, and the stage's tensors as regions.

  Args:
    buffers: At least one item.
    alignment: Of the items, int64.
    most_slots: Items of more stay in one piece.
  """
  items = buffers.of_maps + buffers.of_ops
  count = items + buffers.of_tensors
  first_shape = buffers.first_shape[: count + 1]
  first_slot = buffers.first_slot[: int(first_shape[-1]) + 1]
  slots = np.diff(first_slot)
  most = np.maximum.reduceat(slots, first_shape[:items])
  tensors = first_shape[items:count]
  arrays = (
    buffers.slot_bytes,
    alignment,
    buffers.one_piece[:items] | (most > most_slots).astype(np.int32),
    buffers.first_shape,
    buffers.first_slot,
    buffers.made,
    buffers.last,
    buffers.slot_bytes[items:count] * slots[tensors],
  )
  return LayoutProblem.of(items, arrays)


def live_bytes(buffers: BufferArrays) -> np.ndarray:
  """Bytes alive at each step, rings counted as rings, the stage's tensors included."""
  count = buffers.of_maps + buffers.of_ops + buffers.of_tensors
  first_shape = buffers.first_shape[: count + 1]
  first_slot = buffers.first_slot[: int(first_shape[-1]) + 1]
  slots = np.diff(first_slot)
  is_first = np.zeros(len(slots), bool)
  is_first[first_shape[:-1]] = True
  chosen = np.repeat(is_first, slots)
  sizes = np.repeat(buffers.slot_bytes[:count], slots[is_first])
  length = len(buffers.order)
  made = np.maximum(buffers.made[: len(chosen)][chosen], 0)
  free = np.minimum(buffers.last[: len(chosen)][chosen] + 1, length)
  change = np.bincount(made, sizes, length + 1) - np.bincount(free, sizes, length + 1)
  return np.cumsum(change)[:length]


def _begins(parts: Sequence[Sequence[object] | np.ndarray]) -> np.ndarray:
  return np.cumsum([0, *map(len, parts)], dtype=np.int32)


def start(problem: LayoutProblem, length: int) -> tuple[int, np.ndarray]:
  """The lower bound of all layouts, and the orders that are tried first, int32 [orders, items].

  Args:
    problem: What is to be placed.
    length: Number of steps.

  Raises:
    InPython: the library is not there.
  """
  library = load()
  if library is None:
    raise InPython
  size = library.tflm_patch_orders_memory(ctypes.byref(problem.struct), length)
  memory = np.empty(-(-size // 8), np.int64)
  at = ctypes.c_void_p(memory.ctypes.data)
  orders = np.empty((_FIRST_ORDERS, problem.items), np.int32)
  bound = library.tflm_patch_lower_bound(ctypes.byref(problem.struct), length, at)
  library.tflm_patch_first_orders(
    ctypes.byref(problem.struct), length, at, ctypes.c_void_p(orders.ctypes.data)
  )
  return bound, orders


def find_layout(
  problem: LayoutProblem, limits: LayoutLimits, orders: np.ndarray, state: np.ndarray
) -> tuple[np.ndarray, int] | None:
  """Searches a layout.

  Args:
    problem: What is to be placed.
    limits: What is looked for.
    orders: int32 [orders, items], what is tried first.
    state: Of the random numbers, uint32, as `random.Random.getstate()[1]`.

  Returns:
    Of each item ten numbers (its shape, the number of pieces, and region, offset,
    first slot and count of each), and the size; None when there is no layout.

  Raises:
    InPython: the search must run in Python.
  """
  library = load()
  if library is None:
    raise InPython
  search = _SearchStruct(
    limits.bound, limits.high, limits.attempts, limits.unlimited, len(orders), orders.ctypes.data
  )
  size = library.tflm_patch_layout_memory(ctypes.byref(problem.struct), len(orders))
  if size > MOST_MEMORY:
    raise InPython
  memory = np.empty(-(-size // 8), np.int64)
  random_state = state.copy()
  places = np.empty((problem.items, _PLACE_NUMBERS), np.int64)
  found_bytes = ctypes.c_int64()
  outcome = library.tflm_patch_find_layout(
    ctypes.byref(problem.struct),
    ctypes.byref(search),
    ctypes.c_void_p(memory.ctypes.data),
    ctypes.c_size_t(memory.nbytes),
    ctypes.c_void_p(random_state.ctypes.data),
    ctypes.c_void_p(places.ctypes.data),
    ctypes.byref(found_bytes),
  )
  if outcome == _FOUND:
    return places, found_bytes.value
  if outcome == _NONE:
    return None
  raise InPython


def used_bytes(problem: LayoutProblem, places: np.ndarray) -> int:
  """Bytes up to the end of the last item in the workspace."""
  slot_bytes = problem.arrays[0][: problem.items, np.newaxis]
  pieces = places[:, 2:].reshape(-1, 2, 4)
  region, offset, _, count = np.moveaxis(pieces, 2, 0)
  is_there = (region == 0) & (np.arange(2) < places[:, 1:2])
  ends = np.where(is_there, offset + count * slot_bytes, 0)
  return int(ends.max(initial=0))
