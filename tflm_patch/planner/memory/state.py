# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Where kept maps lie in a stage's state: one after the other, for all of them stay."""

from __future__ import annotations

import dataclasses

from tflm_patch.planner.ir.stage_graph import MapRole, StageGraph, per_graph

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
  offsets, end = {}, 0
  for m, feature_map in enumerate(graph.maps):
    if feature_map.role == MapRole.KEPT and feature_map.view is None:
      offsets[m] = -(-end // _MAP_ALIGNMENT) * _MAP_ALIGNMENT
      end = offsets[m] + feature_map.bytes
  return State(-(-end // _ALIGNMENT) * _ALIGNMENT, offsets)
