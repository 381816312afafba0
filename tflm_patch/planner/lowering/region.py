# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From a region of the graph to a `StageGraph`."""

from __future__ import annotations

from collections.abc import Sequence

from tflm_patch.graph.types import Model, Subgraph
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.lowering.builder import NotStageable, StageBuilder
from tflm_patch.planner.lowering.operators import REGISTRY, OpView

__all__ = ['NotStageable', 'lower_region', 'region_boundary']


def region_boundary(
  subgraph: Subgraph, region: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
  """Tensors that a region of operators reads from outside, and makes for outside.

  Variables are state of operators in the region: a stage keeps it itself.
  """
  inside = set(region)
  made = [t for i in region for t in subgraph.operators[i].outputs]
  made_set = set(made)
  read_outside = set(subgraph.outputs)
  for i, operator in enumerate(subgraph.operators):
    if i not in inside:
      read_outside.update(operator.inputs)
  inputs: list[int] = []
  for i in region:
    for t in subgraph.operators[i].inputs:
      if t >= 0 and t not in made_set and t not in inputs:
        if not subgraph.tensors[t].is_constant and not subgraph.tensors[t].is_variable:
          inputs.append(t)
  return tuple(inputs), tuple(t for t in made if t in read_outside)


def lower_region(model: Model, subgraph: Subgraph, region: Sequence[int]) -> StageGraph:
  """Lowers operators (indices in execution order) that all pass `check`.

  Raises:
    NotStageable: together they cannot be a stage.
  """
  _, outputs = region_boundary(subgraph, region)
  builder = StageBuilder(subgraph, outputs)
  for index in region:
    view = OpView(model, subgraph, index)
    REGISTRY[view.operator.opcode].lower(view, builder)
  return builder.finish()
