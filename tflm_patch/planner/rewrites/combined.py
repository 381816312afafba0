# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Rewrites of a stage's graph that are done together."""

from __future__ import annotations

import dataclasses

from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.rewrites import patches
from tflm_patch.planner.rewrites.bottleneck import Bottleneck, join_bottlenecks
from tflm_patch.planner.rewrites.by_channels import split_channels
from tflm_patch.planner.rewrites.two_pass import Gate, make_again

# Parts of the shared rows of a bottleneck that may be held, one after the other.
_HELD_PARTS = (1.0, 0.75, 0.5, 0.25, 0.0)


@dataclasses.dataclass(frozen=True)
class Rewrites:
  """What is done to a graph.

  Attributes:
    patched: Operators [first, end) that run in patches, and the grid.
    gates: Whose maps are made twice.
    bottlenecks: That become one operator, after that; how much of their shared rows is held.
    narrow: Names of those that are made a column at a time.
    splits: Names of convolutions that run some channels at a time, and in how many parts.
  """

  patched: tuple[int, int, tuple[int, int]] | None = None
  gates: tuple[Gate, ...] = ()
  bottlenecks: tuple[tuple[Bottleneck, float], ...] = ()
  narrow: frozenset[str] = frozenset()
  splits: tuple[tuple[str, int], ...] = ()

  def apply(self, graph: StageGraph) -> StageGraph:
    """The graph with all of them done."""
    if self.patched is not None:
      first, end, grid = self.patched
      graph = patches.split_into_patches(graph, end, grid, first)
    if self.gates:
      graph = make_again(graph, self.gates)
    if self.bottlenecks:
      graph = join_bottlenecks(graph, dict(self.bottlenecks), self.narrow)
    return split_channels(graph, dict(self.splits)) if self.splits else graph

  def with_less_held(self, name: str) -> Rewrites | None:
    """Less of the shared rows of the bottleneck that is the operator of this name.

    None when there is no such bottleneck, or it holds none.
    """
    for k, (bottleneck, part) in enumerate(self.bottlenecks):
      if bottleneck.name == name and part > _HELD_PARTS[-1]:
        less = bottleneck, _HELD_PARTS[_HELD_PARTS.index(part) + 1]
        return dataclasses.replace(
          self, bottlenecks=(*self.bottlenecks[:k], less, *self.bottlenecks[k + 1 :])
        )
    return None
