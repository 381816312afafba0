# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which operators go into stages together."""

from __future__ import annotations

import dataclasses

from tflm_patch.graph.types import Model, Subgraph
from tflm_patch.planner import limits
from tflm_patch.planner.lowering.operators import OpView, Violation, check


@dataclasses.dataclass(frozen=True)
class Partition:
  """Regions that may become stages, and the operators that may not.

  Attributes:
    regions: Operator indices in execution order; each region is connected, and
      convex because it lies in an uninterrupted run of supported operators.
    violations: Operator index -> the rule that it breaks.
  """

  regions: tuple[tuple[int, ...], ...]
  violations: dict[int, Violation]


def partition(model: Model, subgraph: Subgraph) -> Partition:
  """Splits a subgraph's operators into regions."""
  violations: dict[int, Violation] = {}
  runs: list[list[int]] = [[]]
  for index in range(len(subgraph.operators)):
    violation = check(OpView(model, subgraph, index))
    if violation is None:
      runs[-1].append(index)
      continue
    violations[index] = violation
    if runs[-1]:
      runs.append([])
  regions = [
    region
    for run in runs
    for first in range(0, len(run), limits.MAX_OPS_OF_REGION)
    for region in _connected(subgraph, run[first : first + limits.MAX_OPS_OF_REGION])
  ]
  kept = limits.regions_of(len(subgraph.operators))
  for region in sorted(regions, key=len, reverse=True)[kept:]:
    regions.remove(region)
    violations.update(dict.fromkeys(region, _too_many(kept)))
  return Partition(tuple(regions), violations)


def _too_many(kept: int) -> Violation:
  return Violation('regions', f'Other operators part the model into more than {kept} pieces', '')


def _connected(subgraph: Subgraph, run: list[int]) -> list[tuple[int, ...]]:
  """The connected components of a run, in order of their first operator."""
  root = {index: index for index in run}

  def find(index: int) -> int:
    while root[index] != index:
      root[index] = root[root[index]]
      index = root[index]
    return index

  touched: dict[int, int] = {}
  for index in run:
    operator = subgraph.operators[index]
    for t in (*operator.inputs, *operator.outputs):
      if t < 0 or subgraph.tensors[t].is_constant:
        continue
      if t in touched:
        root[find(index)] = find(touched[t])
      touched[t] = index
  groups: dict[int, list[int]] = {}
  for index in run:
    groups.setdefault(find(index), []).append(index)
  return [tuple(group) for group in groups.values()]
