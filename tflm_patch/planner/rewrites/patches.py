# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Patches: operators of a stage run for one part of their last map at a time.

As in MCUNetV2 (Lin et al., NeurIPS 2021): every patch computes the cells of each
map that its part needs, so halos are computed again in neighbouring patches. The
cells beyond a map's own border are its padding, in a patch as in the whole map.
A grid of one row makes column strips, whose rows can be streamed. Operators that do
not begin the stage read whole maps, in which nothing is computed again.
"""

from __future__ import annotations

import dataclasses

from tflm_patch.graph.axis_window import CellWindow, cut, is_pointwise
from tflm_patch.planner import limits
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import (
  FeatureMap,
  MapRole,
  RowReads,
  StageGraph,
  StageOp,
  View,
  per_graph,
  without_unused_maps,
)
from tflm_patch.planner.lowering.builder import NotStageable
from tflm_patch.planner.schedule import order
from tflm_patch.program.fields import scalars
from tflm_patch.program.params import CropParams, Params, with_pads
from tflm_patch.program.records import Kind


@dataclasses.dataclass(frozen=True)
class Rect:
  """Cells [top, bottom) x [left, right) of a map."""

  top: int
  bottom: int
  left: int
  right: int

  @property
  def rows(self) -> int:
    return self.bottom - self.top

  @property
  def cols(self) -> int:
    return self.right - self.left

  def hull(self, other: Rect) -> Rect:
    return Rect(
      min(self.top, other.top),
      max(self.bottom, other.bottom),
      min(self.left, other.left),
      max(self.right, other.right),
    )


def depths(graph: StageGraph, first: int = 0) -> list[int]:
  """Ends of the operators from `first` on that can run in patches, making a single map."""
  found = []
  spans, born = order.spans(graph), _born(graph)
  alive: list[int] = []  # of the maps that operators from `first` on make
  for depth in range(first + 1, len(graph.ops)):
    op = graph.ops[depth - 1]
    # No patch of an earlier operator makes the whole of a map.
    wholes = [m for m in op.inputs if _is_whole(graph, op, m)]
    if not _is_local(graph, op) or any(spans[m][0] >= first for m in wholes):
      break
    alive = [m for m in (*alive, *born[depth - 1]) if spans[m][1] >= depth]
    if alive == [op.outputs[0]]:
      found.append(depth)
  return found


@per_graph
def _born(graph: StageGraph) -> list[list[int]]:
  """For each operator the maps whose span begins with it; no constants."""
  born: list[list[int]] = [[] for _ in graph.ops]
  for m, (begin, _) in enumerate(order.spans(graph)):
    if begin >= 0 and graph.maps[m].role != MapRole.CONSTANT:
      born[begin].append(m)
  return born


def least_bytes(graph: StageGraph, first: int, depth: int) -> int:
  """What patches of operators [first, depth) in columns need at least: nothing that
  they read is consumed before the last of them.
  """
  made = {m for op in graph.ops[first:depth] for m in op.outputs}
  read = {m for op in graph.ops[first:depth] for m in op.inputs} - made
  kept = [graph.maps[m] for m in (*read, graph.ops[depth - 1].outputs[0])]
  return sum(each.bytes for each in kept if each.role != MapRole.CONSTANT)


def _is_local(graph: StageGraph, op: StageOp) -> bool:
  """Whether a part of the output needs a part of the inputs only."""
  maps = [graph.maps[m] for m in (*op.inputs, *op.outputs)]
  if len(op.outputs) != 1 or maps[-1].role != MapRole.INTERNAL:
    return False
  if any(feature_map.view is not None for feature_map in maps):
    return False
  if op.window is not None:
    return not op.accumulates and len(op.inputs) == 1
  return _is_cellwise(graph, op) and all(
    graph.maps[m].role != MapRole.CONSTANT or graph.maps[m].rows * graph.maps[m].cols == 1
    for m in op.inputs
  )


def _is_cellwise(graph: StageGraph, op: StageOp) -> bool:
  shapes = (graph.maps[m].shape for m in (op.inputs[0], op.outputs[0]))
  return op.spec.cellwise({} if op.params is None else scalars(op.params), *shapes)


def _is_whole(graph: StageGraph, op: StageOp, m: int) -> bool:
  """Whether every patch reads all of an input: one that is broadcast, or a constant."""
  source, output = graph.maps[m], graph.maps[op.outputs[0]]
  if source.role == MapRole.CONSTANT:
    return True
  return op.window is None and (source.rows, source.cols) != (output.rows, output.cols)


def split_into_patches(
  graph: StageGraph, depth: int, grid: tuple[int, int], first: int = 0
) -> StageGraph:
  """A stage of which some operators run patch by patch.

  Args:
    graph: The stage.
    depth: The end of the operators; one of `depths`.
    grid: Rows and columns of patches.
    first: The first of the operators.

  Raises:
    NotStageable: the grid is larger than the map.
  """
  return _Splitter(graph, first, depth, grid).split()


def estimate_peak(graph: StageGraph, depth: int, grid: tuple[int, int]) -> int:
  """Bytes at the peak when every operator runs for itself, the input and what is made whole.

  The larger of two moments: the patches, where beside the map that they make up
  an operator's input and output of the largest patch are alive; and the
  operators behind them, with whole maps.
  """
  target = graph.maps[graph.ops[depth - 1].outputs[0]]
  rows, cols = -(-target.rows // grid[0]), -(-target.cols // grid[1])
  top, left = (target.rows - rows) // 2, (target.cols - cols) // 2
  splitter = _Splitter(graph, 0, depth, grid)
  needed = splitter.needed(Rect(top, top + rows, left, left + cols))

  def part_bytes(m: int) -> int:
    source, rect = graph.maps[m], needed.get(m)
    if rect is None or source.role == MapRole.INPUT or source is target:
      return source.bytes
    return source.row_bytes // source.cols * rect.rows * rect.cols

  inside = max(sum(part_bytes(m) for m in {*op.inputs, *op.outputs}) for op in graph.ops[:depth])
  behind = max(
    (sum(graph.maps[m].bytes for m in {*op.inputs, *op.outputs}) for op in graph.ops[depth:]),
    default=0,
  )
  return max(inside + target.bytes, behind)


class _Splitter:
  """Builds the graph with patches."""

  def __init__(self, graph: StageGraph, first: int, depth: int, grid: tuple[int, int]) -> None:
    self._graph = graph
    self._members = graph.ops[first:depth]
    self._first = first
    self._depth = depth
    self._grid = grid
    self._target = graph.ops[depth - 1].outputs[0]
    self._maps: list[FeatureMap] = list(graph.maps)
    self._ops: list[StageOp] = []

  def split(self) -> StageGraph:
    target = self._graph.maps[self._target]
    if self._grid[0] > target.rows or self._grid[1] > target.cols:
      raise NotStageable(
        f'a grid of {self._grid[0]}x{self._grid[1]} patches is larger than the map of '
        f'{target.rows}x{target.cols} that it divides'
      )
    limits.check_patches(self._grid, len(self._members))
    parts = [
      self._patch(i, j, Rect(top, bottom + 1, left, right + 1))
      for i, (top, bottom) in enumerate(cut(target.rows, self._grid[0]))
      for j, (left, right) in enumerate(cut(target.cols, self._grid[1]))
    ]
    self._ops.append(
      StageOp(
        kind=Kind.JOIN,
        name=f'JOIN of {len(parts)} patches',
        inputs=tuple(parts),
        outputs=(self._target,),
        steps=target.rows,
        reads=tuple(rows.whole_map(target.rows, self._maps[m].rows) for m in parts),
      )
    )
    graph = self._graph
    ops = (*graph.ops[: self._first], *self._ops, *graph.ops[self._depth :])
    return without_unused_maps(StageGraph(tuple(self._maps), ops, graph.inputs, graph.outputs))

  def needed(self, part: Rect) -> dict[int, Rect]:
    """The cells of each map that a part of the last one is made from.

    Maps that nobody reads are not among them.
    """
    needed = {self._target: part}
    for op in reversed(self._members):
      made = needed.get(op.outputs[0])
      if made is None:
        continue
      for m in op.inputs:
        if not _is_whole(self._graph, op, m):
          rect = self._source(op, m, made)
          needed[m] = rect if m not in needed else needed[m].hull(rect)
    return needed

  def _patch(self, i: int, j: int, part: Rect) -> int:
    """Appends a patch; returns the view of the target that it makes."""
    needed = self.needed(part)
    place: dict[int, int] = {}
    for op in self._members:
      if op.outputs[0] in needed:
        self._append(op, needed, place, f'{i},{j}')
    return place[self._target]

  def _append(
    self, op: StageOp, needed: dict[int, Rect], place: dict[int, int], label: str
  ) -> None:
    target = op.outputs[0]
    made = needed[target]
    inputs, reads = [], []
    window = op.window
    for m in op.inputs:
      if _is_whole(self._graph, op, m):
        inputs.append(m)
        reads.append(rows.whole_map(made.rows, self._graph.maps[m].rows))
        continue
      rect = self._source(op, m, made)
      inputs.append(self._find(m, rect, needed, place, label))
      if op.window is None:
        reads.append(rows.same_row(made.rows, rect.rows))
      else:
        window = _from(op.window, made, rect)
        reads.append(rows.window_reads(made.rows, rect.rows, window[0]))
    view = View(target, made.top, made.left) if target == self._target else None
    place[target] = self._add_map(target, made, view, label)
    whole = self._graph.maps[target]
    cells = made.rows * made.cols
    # Other windows begin elsewhere in a patch.
    stays = op.window is None or is_pointwise(op.window)
    self._ops.append(
      dataclasses.replace(
        op,
        name=f'{op.name} patch {label}',
        inputs=tuple(inputs),
        outputs=(place[target],),
        steps=made.rows,
        reads=tuple(reads),
        params=op.params if window is None else _with_pads(op.params, window),
        macs=op.macs * cells // (whole.rows * whole.cols),
        in_place=op.in_place if stays else (),
      )
    )

  def _source(self, op: StageOp, m: int, made: Rect) -> Rect:
    """The cells of an input that are read to make cells of the output."""
    if op.window is None:
      return made
    source = self._graph.maps[m]
    spans = []
    for along, first, end, size in zip(
      op.window, (made.top, made.left), (made.bottom, made.right), (source.rows, source.cols)
    ):
      low, last = along.reads(first, end - 1)
      low, high = max(low, 0), min(last + 1, size)
      # A window that lies in the padding as a whole still needs a map to look at.
      if low >= high:
        low = min(low, size - 1)
        high = low + 1
      spans += [low, high]
    return Rect(*spans)

  def _find(
    self, m: int, rect: Rect, needed: dict[int, Rect], place: dict[int, int], label: str
  ) -> int:
    """The map of these cells of an input: a patch's own, or a view of it or of a whole map."""
    whole = self._graph.maps[m]
    at = needed[m]
    if m not in place and (rect.rows, rect.cols) == (whole.rows, whole.cols):
      return m
    if m in place and rect == at:
      return place[m]
    base, top, left = m, rect.top, rect.left
    if m in place:
      base, top, left = place[m], rect.top - at.top, rect.left - at.left
    part = self._add_map(m, rect, View(base, top, left), label)
    self._ops.append(
      StageOp(
        kind=Kind.CROP,
        name=f'CROP patch {label}',
        inputs=(base,),
        outputs=(part,),
        steps=rect.rows,
        reads=(RowReads(*(rows.same_row(rect.rows, rect.rows).first + top,) * 2),),
        params=CropParams(top=top),
      )
    )
    return part

  def _add_map(self, m: int, rect: Rect, view: View | None, label: str) -> int:
    self._maps.append(
      dataclasses.replace(
        self._graph.maps[m],
        name=f'{self._graph.maps[m].name}/patch {label}',
        rows=rect.rows,
        cols=rect.cols,
        role=MapRole.INTERNAL,
        view=view,
      )
    )
    return len(self._maps) - 1


def _from(window: CellWindow, made: Rect, rect: Rect) -> CellWindow:
  """The window of a part of the output over a part of the input."""
  rows, cols = (
    dataclasses.replace(along, pad=begin - along.reads(first, first)[0])
    for along, first, begin in zip(window, (made.top, made.left), (rect.top, rect.left))
  )
  return rows, cols


def _with_pads(params: Params | None, window: CellWindow) -> Params | None:
  return None if params is None else with_pads(params, window[0].pad, window[1].pad)
