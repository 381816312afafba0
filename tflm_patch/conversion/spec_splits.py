# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A spec's stage as two where that is smaller.

A conversion tries to make two stages of one where its inputs and outputs bound it, see
`splits.py`. Many stages cannot gain by that: bounds say so in little time. For the others
the conversion's own search runs, on stages of which only the sizes are known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tflm_patch.architecture.graph_builder import per_tensor
from tflm_patch.conversion.judge import DEFAULT_GOAL, Judge
from tflm_patch.conversion.spec_stage import SpecStage
from tflm_patch.conversion.stage_operator import PlannedStage
from tflm_patch.conversion.stages import cut_in_two
from tflm_patch.graph.types import Model, Operator, Subgraph, Tensor
from tflm_patch.graph.writer import compact
from tflm_patch.planner.ir.stage_graph import FeatureMap, MapRole, StageGraph
from tflm_patch.planner.lowering.region import region_boundary
from tflm_patch.planner.native.stage_tables import REUSED_INPUT, ROLES, StageArrays, stage_arrays
from tflm_patch.planner.schedule import order
from tflm_patch.planner.sizes import StageSizes
from tflm_patch.planner.stage_plan import StagePlan

_ALIGNMENT = 16
Region = tuple[int, ...]


class Splits:
  """The ways to make two stages of one that has all operators of a model.

  Args:
    stage: The stage.
    sizes: Of its plans.
  """

  def __init__(self, stage: SpecStage, sizes: StageSizes) -> None:
    self._stage = stage
    self._sizes = sizes
    self._floors: np.ndarray | None = None
    self._parts: dict[Region, Part] = {}

  @property
  def graph(self) -> StageGraph:
    """The stage."""
    return self._stage.graph

  def search(self, region: Region) -> StageSizes:
    """Sizes of plans of consecutive operators."""
    return self.part(region).sizes

  def part(self, region: Region) -> Part:
    """Consecutive operators."""
    if region not in self._parts:
      if len(region) == len(self.graph.ops):
        self._parts[region] = Part(self.graph, self._sizes)
      else:
        graph = part_of(self.graph, region[0], region[-1] + 1)
        arrays = stage_arrays(graph, graph.inputs)
        assert arrays is not None  # as for the whole
        self._parts[region] = Part(graph, StageSizes(arrays, lambda: graph))
    return self._parts[region]

  def least_floor(self) -> int:
    """What the tensors of every two stages need at least."""
    floors = self._all_floors()
    return int(floors.min()) if floors.size else 1 << 62

  def could_fit(self, limit: int) -> bool:
    """Whether two stages might need no more than `limit` bytes, their tensors included.

    False is certain.
    """
    floors = self._all_floors()
    few = [k for k in np.argsort(floors, kind='stable').tolist() if floors[k] <= limit]
    if not few or not self._sizes.gets_below(limit, int(floors[few[0]])):
      return False
    return any(self._part(k + 1, limit) for k in few)

  def might_fit(self, limit: int) -> bool:
    """The same from less work; more often True."""
    floor = self.least_floor()
    return floor <= limit and self._sizes.gets_below(limit, floor)

  def _all_floors(self) -> np.ndarray:
    if self._floors is None:
      self._floors = _floors(self._stage.arrays)
    return self._floors

  def _part(self, k: int, limit: int) -> bool:
    """Whether both operators [0, k) and the others get down to the limit."""
    operators = tuple(range(len(self._stage.arrays.steps)))
    return all(self.search(part).least_bytes() <= limit for part in (operators[:k], operators[k:]))


def _floors(arrays: StageArrays) -> np.ndarray:
  """Bytes of the tensors of two stages, by the operators of the first, 1 .. n - 1."""
  n, maps = len(arrays.steps), len(arrays.rows)
  operators = np.arange(n)
  made, last = np.full(maps, -1), np.full(maps, -1)
  made[arrays.output] = np.repeat(operators, np.diff(arrays.first_output))
  last[arrays.input] = np.repeat(operators, np.diff(arrays.first_input))  # the last one stays
  size = -(-arrays.rows * arrays.row_bytes // _ALIGNMENT) * _ALIGNMENT
  source = int(np.flatnonzero(arrays.role == REUSED_INPUT)[0])
  target = int(np.flatnonzero(arrays.role == ROLES[MapRole.OUTPUT])[0])
  crosses = (made >= 0) & (last > made)
  change = np.bincount(made[crosses] + 1, size[crosses], n + 1)
  change -= np.bincount(last[crosses] + 1, size[crosses], n + 1)
  cross = np.cumsum(change)[1:n].astype(np.int64)
  kept = operators[1:] <= last[source]
  early = cross + size[source]
  late = cross + size[target] + kept * size[source]
  return np.maximum(early, late)


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
  """Consecutive operators of a stage, and sizes of their plans."""

  graph: StageGraph
  sizes: StageSizes


class SizedPlanner:
  """Makes stages of a spec's operators for `stages.cut_in_two`; they are not encoded.

  Args:
    model: Its operators are those of the stage.
    splits: Knows the plans.
  """

  bands = None

  def __init__(self, model: Model, splits: Splits) -> None:
    self.model = model
    self._splits = splits
    self.search = splits.search

  def stage(self, region: Region) -> PlannedStage:
    """Operators as the smallest stage that was found, without places and constants."""
    inputs, outputs = region_boundary(self.model.main, region)
    part = self._splits.part(region)
    size = part.sizes.smallest_size()
    graph = part.graph
    tensors = sum(graph.maps[m].bytes for m in (*graph.inputs, *graph.outputs))
    plan = StagePlan(graph, (), (), (), size.workspace_bytes, tensors)
    return PlannedStage(region, inputs, outputs, tuple(range(len(inputs))), plan)


@dataclasses.dataclass(frozen=True)
class SeveralStages:
  """A spec as more than one stage.

  Attributes:
    model: With the stages; their programs and constants have the wrong sizes.
    stand_in_bytes: Of these programs and constants.
    parts: The operators of the stages.
  """

  model: Model
  stand_in_bytes: int
  parts: tuple[Part, ...]

  def tensor_bytes(self, stage: int) -> int:
    """Of the inputs and outputs of a stage."""
    graph = self.parts[stage].graph
    return sum(graph.maps[m].bytes for m in (*graph.inputs, *graph.outputs))


def several_stages(splits: Splits) -> SeveralStages | None:
  """The stages that a conversion makes of a spec's operators; None when it is one."""
  model = _model_of(splits.graph)
  sized = SizedPlanner(model, splits)
  judge = Judge(model, compact, DEFAULT_GOAL)
  whole = sized.stage(tuple(range(len(model.main.operators))))
  chosen = cut_in_two([whole], sized, judge)
  if len(chosen) == 1:
    return None
  outlines = [stage.outline for stage in chosen]
  return SeveralStages(
    judge.build(chosen, outlines=True),
    sum(len(each.program) + len(each.constants) for each in outlines),
    tuple(splits.part(stage.region) for stage in chosen),
  )


def _model_of(graph: StageGraph) -> Model:
  """A model with an operator for each of the stage's, and tensors of the right sizes."""
  some = per_tensor(1.0, 0)
  tensors = [
    Tensor(m.name, (1, m.rows, m.cols, m.channels), m.dtype, quantization=some) for m in graph.maps
  ]
  operators = [Operator('', op.inputs, op.outputs) for op in graph.ops]
  return Model([Subgraph(tensors, operators, graph.inputs, graph.outputs, name='main')])


def part_of(graph: StageGraph, first: int, last: int) -> StageGraph:
  """Operators [first, last) as a stage of their own.

  Args:
    graph: A stage without views.
    first, last: Which.
  """
  ops = graph.ops[first:last]
  made = [m for op in ops for m in op.outputs]
  inside = set(made)
  reads = list(dict.fromkeys(m for op in ops for m in op.inputs if m not in inside))
  readers = order.consumers(graph)
  wanted = [
    m for m in made if m in graph.outputs or any(not first <= i < last for i in readers.get(m, ()))
  ]
  inputs = [m for m in reads if graph.maps[m].role != MapRole.CONSTANT]
  used = sorted({*reads, *made})

  def as_part(m: int) -> FeatureMap:
    feature_map = graph.maps[m]
    role = MapRole.INTERNAL
    if feature_map.role == MapRole.CONSTANT:
      role = MapRole.CONSTANT
    elif m in inputs:
      role = MapRole.INPUT
    elif m in wanted:
      role = MapRole.OUTPUT
    return feature_map if feature_map.role is role else dataclasses.replace(feature_map, role=role)

  maps = tuple(map(as_part, used))
  if used[-1] + 1 == len(used):  # the first operators: their maps have the first numbers
    return StageGraph(maps, ops, tuple(inputs), tuple(wanted))
  number = {m: k for k, m in enumerate(used)}

  def renumbered(numbers: Sequence[int]) -> tuple[int, ...]:
    return tuple(number[m] for m in numbers)

  return StageGraph(
    maps,
    tuple(
      dataclasses.replace(op, inputs=renumbered(op.inputs), outputs=renumbered(op.outputs))
      for op in ops
    ),
    renumbered(inputs),
    renumbered(wanted),
  )


def _aligned(feature_map: FeatureMap) -> int:
  return -(-feature_map.bytes // _ALIGNMENT) * _ALIGNMENT
