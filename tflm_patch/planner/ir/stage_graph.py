# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a stage computes, in rows: feature maps and row operators.

A stage operator is a sequence of steps. Step t reads the input rows
`reads[k].first[t] .. reads[k].last[t]` of its k-th input; a normal operator
then has made output row t, an accumulating one (`accumulates`) makes its only
output row with the last step. Nothing else about an operator matters to the
schedule, so the planner treats all operators alike.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from tflm_patch.graph.axis_window import CellWindow
from tflm_patch.graph.types import DType
from tflm_patch.program.kinds import KindSpec, spec_of
from tflm_patch.program.params import Params, window_of
from tflm_patch.program.records import Kind


class NotStageable(Exception):
  """A region that no stage can hold; the message says why."""


class MapRole(enum.Enum):
  """What a feature map is to its stage."""

  INTERNAL = 'internal'  # made and read inside the stage
  INPUT = 'input'  # a tensor that the stage reads
  OUTPUT = 'output'  # a tensor that the stage makes (may be read inside, too)
  CONSTANT = 'constant'  # lies in the constants
  KEPT = 'kept'  # made inside, lies in the stage's state and stays there

  @property
  def has_own_memory(self) -> bool:
    """Whether it lies neither in the workspace nor in a tensor."""
    return self in (MapRole.CONSTANT, MapRole.KEPT)


@dataclasses.dataclass(frozen=True)
class View:
  """A part of a map, from a row and a column on."""

  base: int
  top: int
  left: int


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureMap:
  """A feature map of rows x cols x channels values.

  Attributes:
    name: The tensor's name.
    rows, cols, channels: The shape; a vector of n values is 1 x 1 x n.
    dtype: Element type.
    zero_point: What padding reads; 0 for float32.
    role: Where it lives.
    tensor: Index of the graph's tensor it stands for.
    constant: Values [rows, cols, channels] of a CONSTANT map.
    view: It is a part of another map and lies in its memory.
    below: Of a KEPT map: another one whose first rows its last ones are written over.
  """

  name: str
  rows: int
  cols: int
  channels: int
  dtype: DType
  zero_point: int
  role: MapRole
  tensor: int
  constant: np.ndarray | None = None
  view: View | None = None
  below: int | None = None

  @property
  def shape(self) -> tuple[int, int, int]:
    """Rows, columns, channels."""
    return self.rows, self.cols, self.channels

  @functools.cached_property
  def row_bytes(self) -> int:
    return self.cols * self.channels * (self.dtype.bytes or 0)

  @property
  def bytes(self) -> int:
    return self.rows * self.row_bytes


@dataclasses.dataclass(frozen=True, eq=False)
class RowReads:
  """Input rows that each step of an operator reads, clamped to the map.

  `first[t] > last[t]` when step t reads none (its window is all padding).
  """

  first: np.ndarray
  last: np.ndarray


@dataclasses.dataclass(frozen=True)
class InPlace:
  """How an operator's output may lie over one of its inputs.

  Output row r may take the memory of input row r * row_step - row_shift, the
  oldest that its step reads, when it begins gap_bytes before it: the operator
  writes a value only after everything that it overwrites has been read.
  """

  input: int
  row_shift: int = 0
  gap_bytes: int = 0
  row_step: int = 1

  @property
  def is_same_place(self) -> bool:
    """Whether rows of output and input lie at the same place."""
    return (self.row_step, self.row_shift, self.gap_bytes) == (1, 0, 0)

  def over(self, below: InPlace) -> InPlace:
    """How an output lies over what its input lies over itself."""
    return InPlace(
      below.input,
      below.row_shift + below.row_step * self.row_shift,
      below.gap_bytes + self.gap_bytes,
      below.row_step * self.row_step,
    )

  def fits_ring(self, height: int) -> bool:
    """Whether the output's slots of an input ring follow each other, up or down."""
    if self.row_step == 1:
      return height > self.row_shift
    return self.row_step == 2 and height == 3 and self.row_shift < 2


@dataclasses.dataclass(frozen=True, eq=False)
class StageOp:
  """One operator of a stage.

  Attributes:
    kind: What it computes.
    inputs, outputs: Indices into `StageGraph.maps`.
    steps: Number of steps: rows of its outputs, or that it takes in.
    reads: One entry per input.
    params: Of its kind; None for kinds without parameters.
    name: For reports, e.g. 'CONV_2D 12'.
    accumulates: The output exists only after the last step.
    scratch_bytes: Private memory from the first step to the last.
    keeps_scratch: Something stays in it from one step to the next.
    spare_scratch: Sizes, the best first, of memory that makes it faster; it gets
      one that fits beside everything else, if any.
    macs: Multiply-accumulates of the whole operator.
    macs_again: Of them those of rows that an invocation before made, too.
    graph_ops: Indices of the graph's operators that it stands for.
    in_place: Inputs that the output may take the place of.
    calls: Kernel calls that a step takes; steps of a single one may share it.
  """

  kind: Kind
  inputs: tuple[int, ...]
  outputs: tuple[int, ...]
  steps: int
  reads: tuple[RowReads, ...]
  params: Params | None = None
  name: str = ''
  accumulates: bool = False
  scratch_bytes: int = 0
  keeps_scratch: bool = True
  spare_scratch: tuple[int, ...] = ()
  macs: int = 0
  macs_again: int = 0
  graph_ops: tuple[int, ...] = ()
  in_place: tuple[InPlace, ...] = ()
  calls: int = 1

  @functools.cached_property
  def spec(self) -> KindSpec:
    """What is known of its kind."""
    return spec_of(self.kind)

  @functools.cached_property
  def window(self) -> CellWindow | None:
    """Which cells of the first input an output cell is made from.

    None without a window, and where rows are summed up.
    """
    if not self.spec.windowed or self.accumulates:
      return None
    return window_of(self.params)


@dataclasses.dataclass(frozen=True, eq=False)
class StageGraph:
  """Operators in execution order over feature maps.

  Attributes:
    inputs, outputs: Map indices in the order of the stage operator's tensors.
  """

  maps: tuple[FeatureMap, ...]
  ops: tuple[StageOp, ...]
  inputs: tuple[int, ...]
  outputs: tuple[int, ...]


T = TypeVar('T')


def per_graph(function: Callable[[StageGraph], T]) -> Callable[[StageGraph], T]:
  """Lets a function of a graph be computed once; the graph keeps what it gives."""
  name = f'_{function.__module__}.{function.__qualname__}'

  @functools.wraps(function)
  def cached(graph: StageGraph) -> T:
    known = graph.__dict__
    if name not in known:
      known[name] = function(graph)
    return known[name]

  return cached


def without_unused_maps(graph: StageGraph) -> StageGraph:
  """The graph without maps that no operator makes or reads."""
  used = {m for op in graph.ops for m in (*op.inputs, *op.outputs)}
  used |= {*graph.inputs, *graph.outputs}
  number = {m: k for k, m in enumerate(sorted(used))}

  def renumber(maps: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(number[m] for m in maps)

  maps = []
  for m in sorted(used):
    feature_map = graph.maps[m]
    if feature_map.view is not None:
      view = dataclasses.replace(feature_map.view, base=number[feature_map.view.base])
      feature_map = dataclasses.replace(feature_map, view=view)
    if feature_map.below is not None:
      feature_map = dataclasses.replace(feature_map, below=number[feature_map.below])
    maps.append(feature_map)
  ops = tuple(
    dataclasses.replace(op, inputs=renumber(op.inputs), outputs=renumber(op.outputs))
    for op in graph.ops
  )
  return StageGraph(tuple(maps), ops, renumber(graph.inputs), renumber(graph.outputs))
