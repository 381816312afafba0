# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The same stage with its operators in other orders, of which the planner takes the smallest."""

from __future__ import annotations

from collections.abc import Collection

from tflm_patch.planner import limits
from tflm_patch.planner.graphs.ordered import with_nodes_near
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.rewrites.by_parts import by_parts
from tflm_patch.planner.rewrites.drain import drained


def orders_of(graph: StageGraph, reusable: Collection[int] = ()) -> list[StageGraph]:
  """Graphs of the same stage: first the one given, then others that cost no more work.

  Args:
    graph: Its operators in the order of the model.
    reusable: Input maps that may be overwritten.

  Returns:
    Only the first where no other order is worth a try.
  """
  if not limits.is_searched_fully(limits.steps_of(graph)):
    return [graph]
  found = [graph]
  near = with_nodes_near(graph, reusable)
  if near is not None:
    found.append(near)
  for other in (by_parts(graph), drained(graph), drained(by_parts(graph))):
    is_known = any(other.ops == known.ops for known in found)
    if not is_known and len(other.ops) <= limits.MAX_OPS_OF_STAGE:
      found.append(other)
  return found
