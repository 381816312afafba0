# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The planner's native library: what it computes, as functions over arrays.

The library is built with the package where there is a C compiler. Without it, or
with TFLM_PATCH_NATIVE=0 in the environment, the planner computes the same in Python.
"""

from __future__ import annotations

import ctypes
import functools
import math
import os
import pathlib
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from tflm_patch.planner.native.stage_tables import StageArrays
from tflm_patch.program.records import MAX_OPS, MAX_STEP_ROWS

# Of planner.h: another library was built from other sources.
_ABI = 4
_IN_PYTHON = -1
_INT64_MAX = (1 << 63) - 1
# int64 numbers of a guest: its item, its map, four of how it lies over that.
_GUEST_NUMBERS = 6
# A problem that needs more is searched in Python.
MOST_MEMORY = 64 << 20


class InPython(Exception):
  """The library is not there, or not made for this problem."""


def path() -> pathlib.Path:
  """Where the library is when it was built."""
  return pathlib.Path(__file__).resolve().parent / 'libtflm_patch_planner.so'


@functools.lru_cache(maxsize=1)
def load() -> ctypes.CDLL | None:
  """The library, None without one."""
  if os.environ.get('TFLM_PATCH_NATIVE') == '0' or not path().is_file():
    return None
  try:
    loaded = ctypes.CDLL(str(path()))
    abi = loaded.tflm_patch_planner_abi()
  except (OSError, AttributeError):
    return None
  if abi != _ABI:
    return None
  loaded.tflm_patch_layout_memory.restype = ctypes.c_size_t
  loaded.tflm_patch_orders_memory.restype = ctypes.c_size_t
  loaded.tflm_patch_lower_bound.restype = ctypes.c_int64
  loaded.tflm_patch_segments_memory.restype = ctypes.c_size_t
  loaded.tflm_patch_least_peak.restype = ctypes.c_int64
  return loaded


class _StageStruct(ctypes.Structure):
  _fields_ = (
    ('ops', ctypes.c_int32),
    ('maps', ctypes.c_int32),
    ('max_ops', ctypes.c_int32),
    ('max_step_rows', ctypes.c_int32),
    *((name, ctypes.c_void_p) for name in StageArrays._fields),
  )


class BufferArrays(NamedTuple):
  """What segments need, as `tflm_patch_buffers` of native/buffers.h has it.

  Attributes:
    owner: The map, or the operator of scratch, that each item is for.
    slot_bytes, one_piece: Of each item.
    first_shape: Of each item, and the end of the last.
    first_slot: Of each shape, and the end of the last.
    made, last: When each slot is alive.
    guest: [guests, 6]: item, map, and how it lies over the item's map.
    order: The operator that runs at each time.
    of_maps, of_ops, of_tensors: How many items there are, in this order.
  """

  owner: np.ndarray
  slot_bytes: np.ndarray
  one_piece: np.ndarray
  first_shape: np.ndarray
  first_slot: np.ndarray
  made: np.ndarray
  last: np.ndarray
  guest: np.ndarray
  order: np.ndarray
  of_maps: int
  of_ops: int
  of_tensors: int


class _BuffersStruct(ctypes.Structure):
  _fields_ = (
    *((name, ctypes.c_void_p) for name in BufferArrays._fields[:9]),
    ('of_maps', ctypes.c_int32),
    ('of_ops', ctypes.c_int32),
    ('of_tensors', ctypes.c_int32),
    ('guests', ctypes.c_int32),
    ('length', ctypes.c_int32),
  )


class SegmentSearch:
  """Searches the cuts of a stage, as `segments.SegmentSearch` does.

  Args:
    arrays: The stage.
    longest: The most operators of a segment.

  Raises:
    InPython: from every method, when Python must answer.
  """

  def __init__(self, arrays: StageArrays, longest: int = MAX_OPS) -> None:
    library = load()
    if library is None:
      raise InPython
    self._library = library
    self._ops = len(arrays.steps)
    self._arrays = arrays  # that the structure points to
    pointers = (array.ctypes.data for array in arrays)
    self._stage = _StageStruct(self._ops, len(arrays.rows), longest, MAX_STEP_ROWS, *pointers)
    size = library.tflm_patch_segments_memory(ctypes.byref(self._stage))
    if size > MOST_MEMORY:
      raise InPython
    self._memory = np.empty(-(-size // 8), np.int64)
    self._at = ctypes.c_void_p(self._memory.ctypes.data)
    _found(
      library.tflm_patch_segments_begin(
        ctypes.byref(self._stage), self._at, ctypes.c_size_t(self._memory.nbytes)
      )
    )

  def cost(self, first: int, last: int) -> tuple[int, int, int, int]:
    """Peak, ring and inner bytes, and dispatches of operators [first, last)."""
    cost = (ctypes.c_int64 * 4)()
    _found(self._library.tflm_patch_segment_cost(self._at, first, last, cost))
    return cost[0], cost[1], cost[2], cost[3]

  def least_peak(self, floor_bytes: int, enough: float) -> int:
    """The smallest peak of any cuts, or a lower bound of it that is `enough`."""
    limit = _INT64_MAX if enough >= _INT64_MAX else math.ceil(enough)
    peak = self._library.tflm_patch_least_peak(
      self._at, ctypes.c_int64(floor_bytes), ctypes.c_int64(limit)
    )
    return _found(peak)

  def fewest_dispatches(
    self, limit: int, without: Collection[tuple[int, int]] = ()
  ) -> tuple[tuple[int, int], ...] | None:
    """The cuts with the fewest kernel calls within a peak; None when there are none."""
    excluded = np.array([*without], np.int32).reshape(-1, 2)
    cuts = np.empty((self._ops, 2), np.int32)
    count = self._library.tflm_patch_fewest_dispatches(
      self._at,
      ctypes.c_int64(limit),
      ctypes.c_void_p(excluded.ctypes.data),
      len(excluded),
      ctypes.c_void_p(cuts.ctypes.data),
    )
    return tuple((first, last) for first, last in cuts[: _found(count)].tolist()) or None

  def variants(self, cuts: Sequence[tuple[int, int]]) -> list[BufferArrays]:
    """What consecutive segments need: `variants` of planner/memory/buffers.py."""
    first = self._buffers(cuts, True)
    in_outputs = np.any(first.guest[:, 0] >= first.of_maps + first.of_ops)
    return [first, self._buffers(cuts, False)] if in_outputs else [first]

  def _buffers(self, cuts: Sequence[tuple[int, int]], uses_outputs: bool) -> BufferArrays:
    maps = len(self._arrays.rows)
    items = maps + self._ops
    slots = 2 * int(self._arrays.rows.sum()) + self._ops
    written = (
      np.empty(items, np.int32),
      np.empty(items, np.int64),
      np.empty(items, np.int32),
      np.empty(items + 1, np.int32),
      np.empty(items + maps + 1, np.int32),
      np.empty(slots, np.int64),
      np.empty(slots, np.int64),
      np.empty((maps, _GUEST_NUMBERS), np.int64),
      np.empty(int(self._arrays.steps.sum()), np.int32),
    )
    buffers = _BuffersStruct(*(array.ctypes.data for array in written))
    segments = np.array(cuts, np.int32)
    _found(
      self._library.tflm_patch_buffers_of(
        self._at,
        ctypes.c_void_p(segments.ctypes.data),
        len(segments),
        int(uses_outputs),
        ctypes.byref(buffers),
      )
    )
    arrays = BufferArrays(*written, buffers.of_maps, buffers.of_ops, buffers.of_tensors)
    return arrays._replace(
      guest=arrays.guest[: buffers.guests], order=arrays.order[: buffers.length]
    )


def _found(outcome: int) -> int:
  if outcome == _IN_PYTHON:
    raise InPython
  return outcome
