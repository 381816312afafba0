# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Plans of a stage: the smallest one, others that trade MACs for memory, the fastest that fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.plan import StagePlan, least_peak, plan_stage
from tflm_patch.planner.stage_ir import StageGraph
from tflm_patch.planner.two_pass import find_gates, make_again

# Recomputation that lowers the peak by less than this part is not chosen.
_WORTH = 0.005


def smallest_plan(
    graph: StageGraph, reuse_inputs: Sequence[int], options: PlanOptions
) -> StagePlan:
  """The plan with the smallest workspace within the overhead that the options allow.

  Of plans of about the same size, the one with the fewest MACs.
  """
  variants = [graph]
  if options.schedule == 'auto' and options.max_overhead > 1.0:
    variants += _variants(graph, options.max_overhead)
  # More recomputation never needs more memory: the first variant that gets as low
  # as the last one is found by bisection.
  peaks: dict[int, int] = {}

  def peak(k: int) -> int:
    if k not in peaks:
      peaks[k] = least_peak(variants[k], reuse_inputs)
    return peaks[k]

  low, high = 0, len(variants) - 1
  while low < high:
    middle = (low + high) // 2
    if peak(middle) <= (1 + _WORTH) * peak(len(variants) - 1):
      high = middle
    else:
      low = middle + 1
  plan = plan_stage(variants[low], reuse_inputs=reuse_inputs, schedule=options.schedule)
  if plan is None:  # a stream longer than a segment may be
    plan = plan_stage(graph, reuse_inputs=reuse_inputs)
  assert plan is not None
  return plan


def fastest_plan(
    plan: StagePlan, reuse_inputs: Sequence[int], workspace_limit: int
) -> StagePlan:
  """A plan of the same graph with the fewest kernel calls; this one if none is better."""
  found = plan_stage(plan.graph, reuse_inputs=reuse_inputs, workspace_limit=workspace_limit)
  return found if found is not None and found.dispatches < plan.dispatches else plan


def _variants(graph: StageGraph, max_overhead: float) -> Iterator[StageGraph]:
  """The graph with more and more maps made twice, those that save the most first."""
  budget = (max_overhead - 1.0) * sum(op.macs for op in graph.ops)
  chosen = []
  gates = find_gates(graph)
  for k, gate in enumerate(gates):
    if gate.macs > budget:
      continue
    budget -= gate.macs
    chosen.append(gate)
    # Blocks of the same size bound the memory together.
    if k + 1 < len(gates) and gates[k + 1].saved_bytes == gate.saved_bytes:
      continue
    yield make_again(graph, chosen)
