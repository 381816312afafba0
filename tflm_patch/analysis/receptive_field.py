# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Receptive fields, and what a tile of a map needs of the maps before it."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from fractions import Fraction

from tflm_patch.analysis.windows import spatial_shape, windows
from tflm_patch.graph.axis_window import AxisWindow, Range
from tflm_patch.graph.types import Model
from tflm_patch.planner.lowering.operators.base import CellReads, OpView
from tflm_patch.planner.lowering.operators.macs import operator_macs

ROWS, COLS = 0, 1
_AXES = (ROWS, COLS)
# Where maps grow, what a position reads depends on its phase; more are not tried.
_MAX_PHASES = 64


@dataclasses.dataclass(frozen=True)
class SpatialOperator:
  """An operator as a tiler sees it.

  Attributes:
    index: In the subgraph.
    name: For reports, e.g. 'CONV_2D 12'.
    opcode: As in the schema.
    windows: Tensor index of each computed input -> how the outputs read it.
    outputs: Tensor indices.
    macs: Of the whole operator.
  """

  index: int
  name: str
  opcode: str
  windows: Mapping[int, CellReads]
  outputs: tuple[int, ...]
  macs: int


@dataclasses.dataclass(frozen=True)
class SpatialGraph:
  """The operators of a model's first subgraph over maps of rows and columns.

  Attributes:
    ops: All operators, in execution order.
    shapes: Tensor index -> rows, columns, channels; only of maps.
    sizes: Tensor index -> bytes of the whole tensor.
    inputs, outputs: The model's tensors.
    image: The input that receptive fields are measured on.
    depth: How many of the operators, from the first on, read windows only: what a
      patch stage may hold.
  """

  ops: tuple[SpatialOperator, ...]
  shapes: Mapping[int, tuple[int, int, int]]
  sizes: Mapping[int, int]
  inputs: tuple[int, ...]
  outputs: tuple[int, ...]
  image: int
  depth: int

  @functools.cached_property
  def last_reader(self) -> dict[int, int]:
    """Tensor index -> position of the last operator that reads it; past the end for outputs."""
    found = {t: i for i, op in enumerate(self.ops) for t in op.windows}
    return found | dict.fromkeys(self.outputs, len(self.ops))

  def across(self, depth: int) -> tuple[int, ...]:
    """Tensors that the first `depth` operators make and others, or the application, read."""
    made = [t for op in self.ops[:depth] for t in op.outputs]
    return tuple(t for t in made if self.last_reader.get(t, -1) >= depth)


@dataclasses.dataclass(frozen=True)
class OperatorField:
  """Receptive field of an operator's outputs on the model's image.

  Attributes:
    field: Rows and columns that one output position sees, padding included; None
      along an axis that it sees whole.
    jump: Rows and columns of the image between neighbouring outputs.
    growth: What the operator's own window adds to the field: (kernel - 1) * dilation *
      jump of its input.
  """

  field: tuple[int | None, int | None]
  jump: tuple[Fraction, Fraction]
  growth: tuple[int, int]


def spatial_graph(model: Model) -> SpatialGraph | None:
  """The spatial view of a model; None when no input is a map of several rows or columns."""
  subgraph = model.main
  shapes: dict[int, tuple[int, int, int]] = {}
  ops = []
  for index, operator in enumerate(subgraph.operators):
    view = OpView(model, subgraph, index)
    found = windows(view)
    outputs = tuple(t for t in operator.outputs if t >= 0)
    for t in (*found, *outputs):
      shape = spatial_shape(view, subgraph.tensors[t])
      if shape is not None and t not in shapes and min(shape) > 0:
        shapes[t] = shape
    ops.append(
      SpatialOperator(
        index, view.name, operator.opcode, found, outputs, operator_macs(subgraph, operator)
      )
    )
  images = [
    t
    for t in subgraph.inputs
    if len(subgraph.tensors[t].shape) == 4 and max(shapes.get(t, (1, 1, 0))[:2]) > 1
  ]
  if not images:
    return None
  return SpatialGraph(
    ops=tuple(ops),
    shapes=shapes,
    sizes={t: max(0, tensor.bytes) for t, tensor in enumerate(subgraph.tensors)},
    inputs=subgraph.inputs,
    outputs=subgraph.outputs,
    image=max(images, key=lambda t: math.prod(shapes[t])),
    depth=_spatial_depth(ops, shapes),
  )


def _spatial_depth(ops: list[SpatialOperator], shapes: Mapping[int, tuple[int, int, int]]) -> int:
  """Operators before the first that reads a whole map, or makes none."""
  for position, op in enumerate(ops):
    is_windowed = op.windows and all(None not in window for window in op.windows.values())
    if not is_windowed or not op.outputs or any(t not in shapes for t in op.outputs):
      return position
  return len(ops)


def needed(
  graph: SpatialGraph, wanted: Mapping[int, Range], axis: int, depth: int, clamp: bool
) -> dict[int, Range]:
  """What making parts of maps takes of the maps before them, along one axis.

  Args:
    graph: The network.
    wanted: Tensor index -> positions to make.
    axis: ROWS or COLS.
    depth: The first `depth` operators take part.
    clamp: Positions outside a map are padding and not made. Without it they are
      counted like any other: then all equal tiles need equally much, as in tables
      of patch-based inference.

  Returns:
    Tensor index -> positions, `wanted` included; a map of which nothing is needed
    is absent.
  """
  found = dict(wanted)
  for op in reversed(graph.ops[:depth]):
    made = [found[t] for t in op.outputs if t in found]
    if not made:
      continue
    first, last = min(r[0] for r in made), max(r[1] for r in made)
    for t, window in op.windows.items():
      size = graph.shapes[t][axis] if t in graph.shapes else 1
      along = window[axis]
      low, high = (0, size - 1) if along is None else along.reads(first, last)
      if clamp:
        low, high = max(low, 0), min(high, size - 1)
      if low > high:
        continue
      before = found.get(t, (low, high))
      found[t] = min(low, before[0]), max(high, before[1])
  return found


def fields(graph: SpatialGraph) -> list[OperatorField]:
  """The receptive field of every operator, in execution order."""
  ones = (Fraction(1), Fraction(1))
  jumps = dict.fromkeys(graph.inputs, ones)
  phases = dict.fromkeys(graph.inputs, (1, 1))
  sees_all = dict.fromkeys(graph.inputs, (False, False))
  found = []
  for position, op in enumerate(graph.ops):
    jump, phase, whole, growth = list(ones), [1, 1], [False, False], [0, 0]
    for t, window in op.windows.items():
      for axis in _AXES:
        along = window[axis]
        is_single = graph.shapes.get(t, (1, 1, 1))[axis] == 1
        whole[axis] |= sees_all.get(t, (False, False))[axis] or (along is None and not is_single)
        along = along or AxisWindow()
        before = jumps.get(t, ones)[axis]
        jump[axis] = max(jump[axis], before * along.stride / along.up)
        phase[axis] = max(phase[axis], phases.get(t, (1, 1))[axis] * along.up)
        growth[axis] = max(growth[axis], math.ceil(Fraction(along.reach, along.up) * before))
    for t in op.outputs:
      jumps[t] = jump[0], jump[1]
      phases[t] = min(phase[0], _MAX_PHASES), min(phase[1], _MAX_PHASES)
      sees_all[t] = whole[0], whole[1]
    sizes = [
      None if whole[axis] else _field(graph, op, position, axis, min(phase[axis], _MAX_PHASES))
      for axis in _AXES
    ]
    found.append(OperatorField((sizes[0], sizes[1]), (jump[0], jump[1]), (growth[0], growth[1])))
  return found


def _field(graph: SpatialGraph, op: SpatialOperator, position: int, axis: int, phases: int) -> int:
  """Positions of the image that an output position of an operator sees, over its phases."""
  widest = 0
  for at in range(phases):
    reads = needed(graph, dict.fromkeys(op.outputs, (at, at)), axis, position + 1, clamp=False)
    if graph.image in reads:
      first, last = reads[graph.image]
      widest = max(widest, last - first + 1)
  return widest
