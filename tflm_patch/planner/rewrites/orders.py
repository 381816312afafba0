# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The same stage with its operators in other orders, of which the planner takes the smallest."""

from __future__ import annotations

from tflm_patch.planner import limits
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.rewrites.by_parts import by_parts
from tflm_patch.planner.rewrites.drain import drained


def orders_of(graph: StageGraph) -> list[StageGraph]:
  """Graphs of the same stage: first the one given, then others that cost no more work.

  Args:
    graph: Its operators in the order of the model.

  Returns:
    Only the first where no other order is worth a try.
  """
  if not limits.is_searched_fully(limits.steps_of(graph)):
    return [graph]
  found = [graph]
  for other in (by_parts(graph), drained(graph), drained(by_parts(graph))):
    is_known = any(other.ops == known.ops for known in found)
    if not is_known and len(other.ops) <= limits.MAX_OPS_OF_STAGE:
      found.append(other)
  return found
