# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the user learns of graphs in stages: how far apart neighbours are, what is held of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from tflm_patch.conversion.stage_operator import PlannedStage
from tflm_patch.planner.graphs import numbering
from tflm_patch.planner.graphs.ordered import neighbourhoods
from tflm_patch.program.records import Kind


@dataclasses.dataclass(frozen=True)
class Neighbourhood:
  """Sums over neighbours in a stage.

  Attributes:
    operator: Its name.
    nodes: That are summed up.
    sums: Nodes of the result.
    connections: Between them.
    bandwidth: The most that the numbers of two neighbours differ by, in the order of the plan.
    rows_held: The most nodes that are held at once.
    reordered: Nodes have another order than in the model.
    sparse_bytes: Of the connections in flash.
    dense_bytes: What a value for each pair of nodes would take.
  """

  operator: str
  nodes: int
  sums: int
  connections: int
  bandwidth: int
  rows_held: int
  reordered: bool
  sparse_bytes: int
  dense_bytes: int


def of_stages(stages: Sequence[PlannedStage]) -> tuple[Neighbourhood, ...]:
  """The sums over neighbours of all stages, in order."""
  return tuple(each for stage in stages for each in _of_stage(stage))


def _of_stage(stage: PlannedStage) -> Iterator[Neighbourhood]:
  graph = stage.plan.graph
  ordered = {op.steps for op in graph.ops if op.kind == Kind.NODE_ORDER}
  for op, matrix in neighbourhoods(graph):
    yield Neighbourhood(
      op.name,
      matrix.columns,
      matrix.rows,
      matrix.connections,
      matrix.bandwidth,
      matrix.held,
      matrix.columns in ordered,
      matrix.bytes,
      matrix.rows * matrix.columns,
    )


def notes(stages: Sequence[PlannedStage]) -> tuple[str, ...]:
  """Says so where nodes stay in the model's order for want of a library."""
  held = [each.rows_held for each in of_stages(stages) if each.nodes == each.sums]
  if not held or numbering.has_library():
    return ()
  return (
    f"nodes are computed in the model's order, up to {max(held):,} of them are held; with "
    "pip install 'tflm-patch[graphs]' they are ordered so that fewer are",
  )
