# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps that are made up of others along rows: the parts are made where they belong.

CONCATENATION along rows copies each part into a view of the whole. Where nobody else reads the
part, its own operator may as well make it there.
"""

from __future__ import annotations

import dataclasses

from tflm_patch.planner.ir.stage_graph import (
  FeatureMap,
  MapRole,
  StageGraph,
  StageOp,
  View,
  without_unused_maps,
)
from tflm_patch.program.kinds import Role
from tflm_patch.program.records import Kind


def without_copies(graph: StageGraph) -> StageGraph:
  """The graph without copies into views that are not needed."""
  maps = list(graph.maps)
  makers = {m: op for op in graph.ops for m in op.outputs}
  readers: dict[int, int] = {}
  for op in graph.ops:
    for m in op.inputs:
      readers[m] = readers.get(m, 0) + 1
  moved: dict[int, int] = {}  # a part in the whole -> the map that is made there
  kept: list[StageOp] = []
  for op in graph.ops:
    view = _copied_into(op, maps)
    if view is not None and _may_lie_there(op, maps, makers, readers):
      source = op.inputs[0]
      maps[source] = dataclasses.replace(maps[source], view=view)
      moved[op.outputs[0]] = source
      continue
    kept.append(op)
  if not moved:
    return graph
  ops = tuple(
    dataclasses.replace(op, inputs=tuple(moved.get(m, m) for m in op.inputs)) for op in kept
  )
  return without_unused_maps(StageGraph(tuple(maps), ops, graph.inputs, graph.outputs))


def _copied_into(op: StageOp, maps: list[FeatureMap]) -> View | None:
  is_copy = op.kind == Kind.CONCATENATION and len(op.inputs) == 1
  return maps[op.outputs[0]].view if is_copy else None


def _may_lie_there(
  op: StageOp, maps: list[FeatureMap], makers: dict[int, StageOp], readers: dict[int, int]
) -> bool:
  source = op.inputs[0]
  maker = makers.get(source)
  return (
    maps[source].role is MapRole.INTERNAL
    and maps[source].view is None
    and readers[source] == 1
    and maker is not None
    and maker.spec.role is Role.COMPUTE
    and maps[source].shape == maps[op.outputs[0]].shape
  )
