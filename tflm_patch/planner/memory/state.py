# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Where kept maps lie in a stage's state: one after the other, for all of them stay."""

from __future__ import annotations

import dataclasses

from tflm_patch.planner.ir.stage_graph import MapRole, StageGraph, per_graph
from tflm_patch.program.params import AppendParams

_MAP_ALIGNMENT = 4  # of the words that kernels load
_ALIGNMENT = 16


@dataclasses.dataclass(frozen=True)
class State:
  """A stage's state.

  Attributes:
    bytes: Of it, a multiple of 16.
    offsets: Of each kept map, by its index.
  """

  bytes: int
  offsets: dict[int, int]


@per_graph
def state_of(graph: StageGraph) -> State:
  """The state that a stage's kept maps make up."""
  offsets: dict[int, int] = {}
  end = 0
  for m, feature_map in enumerate(graph.maps):
    if feature_map.role != MapRole.KEPT or feature_map.view is not None:
      continue
    if feature_map.below is None:
      end = _place(graph, m, -(-end // _MAP_ALIGNMENT) * _MAP_ALIGNMENT, offsets)
  return State(-(-end // _ALIGNMENT) * _ALIGNMENT, offsets)


def _place(graph: StageGraph, m: int, at: int, offsets: dict[int, int]) -> int:
  """Places a map behind those that lie below it; gives the end."""
  for lower in _all_below(graph)[m]:
    at = _place(graph, lower, at, offsets) - slot_bytes(graph, lower)
  offsets[m] = at
  return at + graph.maps[m].bytes


@per_graph
def _all_below(graph: StageGraph) -> list[list[int]]:
  found: list[list[int]] = [[] for _ in graph.maps]
  for m, feature_map in enumerate(graph.maps):
    if feature_map.below is not None:
      found[feature_map.below].append(m)
  return found


def slot_bytes(graph: StageGraph, m: int) -> int:
  """Of the new rows of a window."""
  (op,) = (op for op in graph.ops if m in op.outputs)
  return graph.maps[op.inputs[0]].rows * graph.maps[m].row_bytes


def append_params(graph: StageGraph, m: int) -> AppendParams:
  """What has to be moved before a window gets its new rows: it, and all that lie below it."""
  lowest = m
  while _all_below(graph)[lowest]:
    (lowest,) = _all_below(graph)[lowest]
  if graph.maps[m].below is not None or lowest == m:
    return AppendParams()
  offsets, distance = state_of(graph).offsets, slot_bytes(graph, m)
  at = offsets[lowest]
  size = offsets[m] + graph.maps[m].bytes - at - distance
  return AppendParams(at=at, bytes=size, distance=distance)
