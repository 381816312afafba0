# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Private memory in which operators keep nothing between steps: those of a segment share one."""

from __future__ import annotations

from collections.abc import Iterable

from tflm_patch.planner.ir.stage_graph import StageGraph


def sharers(graph: StageGraph, segments: Iterable[tuple[int, int]]) -> dict[int, tuple[int, ...]]:
  """The operators that share memory, by the first of them that needs the most.

  Args:
    graph: The stage.
    segments: Operators [first, last) of each.
  """
  found = {}
  for first, last in segments:
    ops = [i for i in range(first, last) if is_shared(graph, i)]
    if ops:
      found[max(ops, key=lambda i: graph.ops[i].scratch_bytes)] = tuple(ops)
  return found


def is_shared(graph: StageGraph, op: int) -> bool:
  """Whether others may write to an operator's private memory between its steps."""
  operator = graph.ops[op]
  return operator.scratch_bytes > 0 and not operator.keeps_scratch
