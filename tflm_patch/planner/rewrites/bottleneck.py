# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Blocks of three convolutions as one operator, without rows of the wide map inside.

A convolution, a depthwise one and a pointwise one are made some columns of an
output row at a time (BOTTLENECK in program.h). Of the wide map between the first
two, only the rows that consecutive output rows share are held, and what the
windows of some columns see; nothing is computed twice. Where even that is too
much, the shared rows are held in a part of their columns and made again in the
others: memory for multiply-accumulates, in small steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

import numpy as np

from tflm_patch.graph.axis_window import CellWindow, is_pointwise
from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import (
  FeatureMap,
  InPlace,
  MapRole,
  RowReads,
  StageGraph,
  StageOp,
  without_unused_maps,
)
from tflm_patch.planner.schedule import order
from tflm_patch.program.params import BottleneckParams, ConvParams, DepthwiseParams
from tflm_patch.program.records import Kind

# Output columns made at a time: as many as need this part of a wide row at most.
_TILES = (8, 4, 2)
_TILE_PART = 0.25


@dataclasses.dataclass(frozen=True)
class Bottleneck:
  """Three operators of a stage that may run as one.

  Attributes:
    name: Of the operator that they become.
    expand, depthwise, project: Their indices.
    saved_bytes: What a stream needs less with it, about.
  """

  name: str
  expand: int
  depthwise: int
  project: int
  saved_bytes: int


def find_bottlenecks(graph: StageGraph, nothing_held: bool = False) -> list[Bottleneck]:
  """The bottlenecks that save memory, those that save the most first; no two share an operator.

  Args:
    graph: The stage.
    nothing_held: They may make rows again that they share.
  """
  readers = order.consumers(graph)
  found = []
  for i, op in enumerate(graph.ops):
    chain = [i]
    while len(chain) < 3:
      last = graph.ops[chain[-1]]
      (behind,) = readers.get(last.outputs[0], ()) if _is_inner(graph, last) else (None,)
      if behind is None:
        break
      chain.append(behind)
    if len(chain) == 3 and _is_bottleneck(graph, *(graph.ops[k] for k in chain)):
      fused = _Fused(graph, op, graph.ops[chain[1]], graph.ops[chain[2]])
      saved = fused.saved_bytes(0 if nothing_held else fused.wide_cols)
      if saved > 0:
        found.append(Bottleneck(fused.name, chain[0], chain[1], chain[2], saved))
  taken: set[int] = set()
  chosen = []
  for bottleneck in sorted(found, key=lambda bottleneck: -bottleneck.saved_bytes):
    members = {bottleneck.expand, bottleneck.depthwise, bottleneck.project}
    if not members & taken:
      taken |= members
      chosen.append(bottleneck)
  return chosen


def _is_inner(graph: StageGraph, op: StageOp) -> bool:
  """Whether an operator's output is read by one other of the stage alone."""
  (m, *others) = op.outputs
  is_internal = graph.maps[m].role == MapRole.INTERNAL and graph.maps[m].view is None
  return not others and is_internal and len(order.consumers(graph).get(m, ())) == 1


def _is_bottleneck(
  graph: StageGraph, expand: StageOp, depthwise: StageOp, project: StageOp
) -> bool:
  kinds = expand.kind, depthwise.kind, project.kind
  if kinds != (Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D, Kind.CONV_2D):
    return False
  source = graph.maps[expand.inputs[0]]
  wide, narrow, target = (graph.maps[op.outputs[0]] for op in (expand, depthwise, project))
  if any(feature_map.view is not None for feature_map in (source, target)):
    return False
  assert project.window is not None
  return (
    is_pointwise(project.window)
    and (narrow.rows, narrow.cols) == (target.rows, target.cols)
    and _sees_all(depthwise.window, wide, narrow)
    and _sees_all(expand.window, source, wide)
    and wide.dtype == DType.INT8
  )


def _sees_all(window: CellWindow | None, source: FeatureMap, target: FeatureMap) -> bool:
  """Whether every window sees a cell of the map."""
  assert window is not None
  return all(
    along.reads(0, 0)[1] >= 0 and along.reads(out - 1, out - 1)[0] < size
    for along, out, size in zip(window, (target.rows, target.cols), (source.rows, source.cols))
  )


def join_bottlenecks(
  graph: StageGraph, held_parts: Mapping[Bottleneck, float], narrow: Collection[str] = ()
) -> StageGraph:
  """A graph in which bottlenecks are one operator each.

  Args:
    graph: The stage.
    held_parts: Of bottlenecks that `find_bottlenecks` found: the part of the wide map's columns
      in which rows that consecutive output rows share are held; behind them they
      are made again.
    narrow: Names of those that are made a column at a time.
  """
  ops: list[StageOp | None] = list(graph.ops)
  for bottleneck, part in held_parts.items():
    members = bottleneck.expand, bottleneck.depthwise, bottleneck.project
    expand, depthwise, project = (graph.ops[i] for i in members)
    ops[bottleneck.expand] = ops[bottleneck.depthwise] = None
    fused = _Fused(graph, expand, depthwise, project, bottleneck.name in narrow)
    ops[bottleneck.project] = fused.operator(part)
  kept = tuple(op for op in ops if op is not None)
  return without_unused_maps(StageGraph(graph.maps, kept, graph.inputs, graph.outputs))


@dataclasses.dataclass(frozen=True, eq=False)
class _Fused:
  """The operator that a bottleneck becomes; a column at a time when it is narrow."""

  graph: StageGraph
  expand: StageOp
  depthwise: StageOp
  project: StageOp
  is_narrow: bool = False

  @property
  def name(self) -> str:
    return f'{self.expand.name} to {self.project.name}'

  @property
  def _source(self) -> FeatureMap:
    return self.graph.maps[self.expand.inputs[0]]

  @property
  def _wide(self) -> FeatureMap:
    return self.graph.maps[self.expand.outputs[0]]

  @property
  def _narrow(self) -> FeatureMap:
    return self.graph.maps[self.depthwise.outputs[0]]

  @property
  def _window(self) -> CellWindow:
    assert self.depthwise.window is not None
    return self.depthwise.window

  @property
  def _reach(self) -> tuple[int, int]:
    """Rows and columns of the wide map from a window's first cell to its last."""
    rows, cols = self._window
    return rows.reach + 1, cols.reach + 1

  @property
  def _shared_rows(self) -> int:
    """Rows of the wide map that two consecutive output rows are made from."""
    return max(0, self._reach[0] - self._window[0].stride)

  def _tile_bytes(self, cols: int) -> int:
    """Of the wide map's cells for some output columns, and of what becomes of them."""
    span = (cols - 1) * self._window[1].stride + self._reach[1]
    wide = self._reach[0] * min(span, self._wide.cols) * self._wide.channels
    return wide + cols * self._narrow.channels

  @property
  def _tile(self) -> int:
    """Output columns that are made at a time."""
    for cols in () if self.is_narrow else _TILES:
      if cols <= self._narrow.cols:
        if self._tile_bytes(cols) <= _TILE_PART * self._wide.row_bytes:
          return cols
    return 1

  def _held_cols(self, part: float) -> int:
    return round(part * self._wide.cols) if self._shared_rows else self._wide.cols

  def _scratch_bytes(self, held_cols: int) -> int:
    held = self._shared_rows * held_cols * self._wide.channels
    return self._tile_bytes(self._tile) + held

  @property
  def wide_cols(self) -> int:
    return self._wide.cols

  def saved_bytes(self, held_cols: int) -> int:
    """What a stream needs less: rings of the wide map and of a row behind it."""
    rings = self._reach[0] * self._wide.row_bytes
    if not self.depthwise.in_place:
      rings += self._narrow.row_bytes
    more_rows = self._window[0].stride - 1
    return rings - self._scratch_bytes(held_cols) - more_rows * self._source.row_bytes

  def operator(self, held_part: float) -> StageOp:
    """The operator; see `join_block`."""
    held_cols = self._held_cols(held_part)
    tile = self._tile
    members = self.expand, self.depthwise, self.project
    wide = self._wide
    cells_again = rows.read_again(self.depthwise.reads[0]) * (wide.cols - held_cols)
    again = cells_again / (wide.rows * wide.cols)

    expand, depthwise, project = (op.params for op in members)
    assert isinstance(expand, ConvParams) and isinstance(project, ConvParams)
    assert isinstance(depthwise, DepthwiseParams)
    params = BottleneckParams(
      expand=expand,
      depthwise=depthwise,
      project=project,
      wide_rows=wide.rows,
      wide_cols=wide.cols,
      wide_channels=wide.channels,
      wide_zero_point=wide.zero_point,
      tile_cols=tile,
      held_cols=held_cols,
    )
    return StageOp(
      kind=Kind.BOTTLENECK,
      name=self.name,
      inputs=self.expand.inputs,
      outputs=self.project.outputs,
      steps=self.project.steps,
      reads=(self._reads(held_cols == wide.cols),),
      params=params,
      scratch_bytes=self._scratch_bytes(held_cols),
      keeps_scratch=self._shared_rows * held_cols > 0,
      macs=sum(op.macs for op in members) + round(again * self.expand.macs),
      macs_again=sum(op.macs_again for op in members),
      calls=-(-self._narrow.cols // tile) * (2 + self._rows_made(held_cols)),
      graph_ops=tuple(i for op in members for i in op.graph_ops),
      in_place=() if held_cols == wide.cols else self._in_place(),
    )

  def _in_place(self) -> tuple[InPlace, ...]:
    """Over the oldest row that an output row is made from, where cells do not get larger.

    Output columns [0, end) are written when no tile behind them needs an input cell of those
    that they lie over: the wide map's cells that two tiles share are not made again.
    """
    source, target = self._source, self.graph.maps[self.project.outputs[0]]
    expand = self.expand.window
    assert expand is not None
    (rows_first, cols_first), (rows, cols) = expand, self._window
    if source.dtype != target.dtype or target.row_bytes > source.row_bytes:
      return ()
    end = np.arange(1, target.cols)
    made = np.minimum((end - 1) * cols.stride - cols.pad + self._reach[1], self._wide.cols)
    needed = np.maximum(made * cols_first.stride - cols_first.pad, 0)
    needed[made == self._wide.cols] = source.cols
    over = end * target.channels - needed * source.channels
    return (
      InPlace(
        0,
        row_shift=rows.pad * rows_first.stride + rows_first.pad,
        gap_bytes=int(over.max(initial=0)) * (source.dtype.bytes or 1),
        row_step=rows.stride * rows_first.stride,
      ),
    )

  def _wide_rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each output row: first and end of the wide rows that it is made from;
    the end of those of the row before.
    """
    reads = self.depthwise.reads[0]
    end = reads.last + 1
    return reads.first, end, np.concatenate(([0], end[:-1]))

  def _rows_made(self, held_cols: int) -> int:
    """Rows of the wide map of which cells are made for an output row."""
    reach = self._reach[0]
    return reach - self._shared_rows if held_cols == self._wide.cols else reach

  def _reads(self, all_held: bool) -> RowReads:
    first, end, before = self._wide_rows()
    begin = np.maximum(first, before) if all_held else first
    source = self.expand.reads[0]
    last = source.last[end - 1]
    none = begin >= end
    from_row = np.where(none, last + 1, source.first[np.minimum(begin, self._wide.rows - 1)])
    return RowReads(from_row, last)
