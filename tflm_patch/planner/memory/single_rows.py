# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps of which a stream holds a single row share one, where their rows never meet.

A row that is read as soon as it is made is alive for a few steps only, though there is one
during the whole stream. The row of the larger map comes first: the others lie in it, and
where they are read longer, they hold it longer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tflm_patch.planner.ir.stage_graph import InPlace, StageGraph
from tflm_patch.planner.schedule.live_ranges import LiveRanges

if TYPE_CHECKING:
  from tflm_patch.planner.memory.buffers import Buffer


def share_single_rows(
  graph: StageGraph, buffers: Sequence[Buffer], stream_of: Callable[[int], int | None]
) -> list[Buffer]:
  """Buffers of maps, those that share a row as one.

  Args:
    graph: The stage.
    buffers: In the order of their maps.
    stream_of: The stream that makes a map.

  Returns:
    In the same order, by the largest map of those that share.
  """
  single = [k for k, buffer in enumerate(buffers) if _is_single(buffer)]
  single.sort(key=lambda k: (-buffers[k].item.slot_bytes, buffers[k].item.rows.first_time))
  groups: list[list[int]] = []
  for k in single:
    for group in groups:
      if _may_share(graph, [buffers[other] for other in group], buffers[k], stream_of):
        group.append(k)
        break
    else:
      groups.append([k])
  found: list[Buffer | None] = [*buffers]
  for group in groups:
    if len(group) > 1:
      found[group[0]] = _together([buffers[k] for k in group])
      for k in group[1:]:
        found[k] = None
  return [buffer for buffer in found if buffer is not None]


def _is_single(buffer: Buffer) -> bool:
  """Whether it may be kept as a ring of one row, or whole, row by row."""
  shapes = buffer.item.shapes
  return len(shapes) == 2 and len(shapes[0].made) == 1


def _may_share(
  graph: StageGraph, group: Sequence[Buffer], buffer: Buffer, stream_of: Callable[[int], int | None]
) -> bool:
  """Whether a map may lie in the row of a group, which begins no later."""
  host, guest = group[0], buffer
  assert host.map is not None and guest.map is not None
  return (
    graph.maps[host.map].dtype == graph.maps[guest.map].dtype
    and stream_of(host.map) == stream_of(guest.map)
    and host.item.rows.first_time <= guest.item.rows.first_time
    and not any(_meet(other.item.rows, guest.item.rows) for other in group)
  )


def _meet(a: LiveRanges, b: LiveRanges) -> bool:
  """Whether a row of one is alive with a row of the other; rows of each follow each other."""
  made = np.searchsorted(a.made, b.last, side='right')
  gone = np.searchsorted(a.last, b.made, side='left')
  return bool(np.any(made > gone))


def _together(group: Sequence[Buffer]) -> Buffer:
  """One row for all maps of a group, the first of which is the largest."""
  host = group[0]
  guests = [*host.guests]
  for buffer in group[1:]:
    assert buffer.map is not None
    guests += [(buffer.map, InPlace(0)), *buffer.guests]
  end = max(buffer.item.shapes[0].last_time for buffer in group)
  shape = LiveRanges(host.item.shapes[0].made, np.array([end], np.int64))
  item = dataclasses.replace(host.item, shapes=(shape,), one_piece=True)
  return dataclasses.replace(host, item=item, guests=tuple(guests))
