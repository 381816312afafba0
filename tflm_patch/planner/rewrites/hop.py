# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A stage that looks at windows of a stream, and is given only the rows by which they go on.

Of each map the rows that stay the same are kept in the state where somebody reads them again
(`tracks.py`). What is made for each window are the rows that come in and, where a map is padded,
those at the window's ends.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from tflm_patch.graph.axis_window import is_pointwise
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import (
  FeatureMap,
  MapRole,
  NotStageable,
  RowReads,
  StageGraph,
  StageOp,
  View,
  without_unused_maps,
)
from tflm_patch.planner.rewrites.stacked import stacked
from tflm_patch.planner.rewrites.tracks import Keep, Rows, Sliding, row_window, source_rows
from tflm_patch.program.params import CropParams, HopParams, with_pads
from tflm_patch.program.records import Kind


def slide_over(graph: StageGraph, position: int, hop: int, keep: Keep | None = None) -> StageGraph:
  """The stage that gets some new rows of its window and gives what the whole window gives.

  Args:
    graph: The stage.
    position: Of the window, in graph.inputs.
    hop: By how many rows the window goes on with each invocation.
    keep: What is kept; None for all rows that stay the same and are read again.

  Raises:
    NotStageable: a stride does not divide the hop, or nothing stays the same.
  """
  window = graph.inputs[position]
  sliding = Sliding(graph, window, hop, keep or Keep())
  if len(sliding.tracks) == 1 and keep is None:
    raise NotStageable(
      f'no row of a map stays the same when the window of {graph.maps[window].rows} rows goes '
      f'on by {hop}: all depend on where it ends; convert without it'
    )
  return _Slider(sliding, position, hop).slide()


class _Slider:
  """Builds the graph."""

  def __init__(self, sliding: Sliding, position: int, hop: int) -> None:
    self._sliding = sliding
    self._graph = graph = sliding.graph
    self._position = position
    self._hop = hop
    self._tracks = tracks = sliding.tracks
    self._maps: list[FeatureMap] = list(graph.maps)
    self._ops: list[StageOp] = []
    # Of each map, where some of its rows are: the new ones and those behind them, those before
    # all that stay, those that are kept.
    self._places: dict[int, list[tuple[Rows, int]]] = {m: [] for m in tracks}
    self._makers = {m: op for op in graph.ops for m in op.outputs}
    self._known: dict[tuple[int, Rows], int] = {}

  def slide(self) -> StageGraph:
    graph, window = self._graph, self._graph.inputs[self._position]
    band = self._add_map(window, self._hop, MapRole.INPUT, 'new rows')
    self._places[window].append((self._tracks[window].pieces[0], band))
    self._keep(window)
    sliding = [op for op in graph.ops if op.outputs[0] in self._tracks]
    for op in sliding:
      self._make(op, self._tracks[op.outputs[0]].pieces[0])
      for m in op.outputs:
        self._keep(m)
    for op in sliding:
      self._make_begin(op.outputs[0])
    for op in graph.ops:
      if op.outputs[0] not in self._tracks:
        whole = tuple(self._whole(m) if m in self._tracks else m for m in op.inputs)
        self._ops.append(dataclasses.replace(op, inputs=whole, macs_again=self._again(op)))
    for m in graph.outputs:
      if m in self._tracks:
        self._join(m, (0, self._tracks[m].rows), m)
    inputs = list(graph.inputs)
    inputs[self._position] = band
    made = StageGraph(tuple(self._maps), tuple(self._ops), tuple(inputs), graph.outputs)
    return stacked(without_unused_maps(made))

  def _whole(self, m: int) -> int:
    return self._rows(m, (0, self._tracks[m].rows))

  # ---- what is made ----

  def _make(self, op: StageOp, made: Rows) -> None:
    """Appends an operator for some of its rows."""
    steps = made[1] - made[0]
    inputs, reads, params = [], [], op.params
    for m, known in zip(op.inputs, op.reads):
      if m not in self._tracks:
        inputs.append(m)
        reads.append(RowReads(known.first[:steps], known.last[:steps]))
        continue
      begin, end = source_rows(self._graph, op, m, made)
      inputs.append(self._rows(m, (begin, end)))
      window = row_window(self._graph, op, m)
      assert window is not None
      pad = begin - window.reads(made[0], made[0])[0]
      moved = dataclasses.replace(window, pad=pad)
      reads.append(rows.window_reads(steps, end - begin, moved))
      if op.window is not None:
        params = with_pads(params, pad, op.window[1].pad)
    outputs = []
    for m in op.outputs:
      outputs.append(self._add_map(m, steps, MapRole.INTERNAL, f'rows {made[0]}-{made[1] - 1}'))
      self._places[m].append((made, outputs[-1]))
    stays = op.window is None or is_pointwise(op.window)
    self._ops.append(
      dataclasses.replace(
        op,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        steps=steps,
        reads=tuple(reads),
        params=params,
        macs=op.macs * steps // op.steps,
        macs_again=op.macs * (steps - self._new_rows(op, made)) // op.steps,
        in_place=op.in_place if stays else (),
      )
    )

  def _make_begin(self, m: int) -> None:
    """Appends what makes the rows at the begin of the window, once."""
    op = self._makers.get(m)
    if op is None:
      return
    for piece in self._tracks[m].pieces[1:]:
      if piece not in [place for place, _ in self._places[m]]:
        self._make(op, piece)

  def _new_rows(self, op: StageOp, made: Rows) -> int:
    """How many of some rows are not those of a window before."""
    track = self._tracks[op.outputs[0]]
    return max(0, min(track.hop, made[1] - track.new))

  def _again(self, op: StageOp) -> int:
    """Of an operator that makes all its rows: what is no sum of them and not new."""
    if self._graph.maps[op.outputs[0]].rows == 1:
      return 0
    window = self._graph.maps[self._graph.inputs[self._position]]
    return op.macs - op.macs * self._hop // window.rows

  def _keep(self, m: int) -> None:
    """Appends what brings the rows that stay up to date, if anybody reads them."""
    track, is_window = self._tracks[m], m == self._sliding.window
    rows_kept = self._sliding.kept(m)
    if rows_kept is None:
      return
    begin = rows_kept[0]
    new = self._rows(m, (track.new, track.high))
    kept = self._add_map(m, track.high - begin, MapRole.KEPT, 'kept rows')
    params = None
    if is_window:
      params = HopParams(invocations=-(-track.rows // track.hop))
    last = np.arange(track.high - begin) - (track.new - begin)
    self._ops.append(
      StageOp(
        kind=Kind.HOP if is_window else Kind.SLIDE,
        name='HOP' if is_window else f'SLIDE of {self._makers[m].name}',
        inputs=(new,),
        outputs=(kept,),
        steps=track.high - begin,
        reads=(RowReads(np.maximum(last, 0), last),),
        params=params,
      )
    )
    self._places[m].append(((begin, track.high), kept))

  # ---- rows of maps ----

  def _rows(self, m: int, wanted: Rows) -> int:
    """A map of some rows of another one: a part of what is there, or joined from parts."""
    if (m, wanted) not in self._known:
      self._known[m, wanted] = self._find(m, wanted)
    return self._known[m, wanted]

  def _find(self, m: int, wanted: Rows) -> int:
    if wanted[0] < self._tracks[m].top:
      self._make_begin(m)
    for place, at in self._places[m]:
      if place == wanted:
        return at
    for (begin, end), at in self._places[m]:
      if begin <= wanted[0] and wanted[1] <= end:
        return self._crop(m, at, wanted, begin)
    whole = self._add_map(m, wanted[1] - wanted[0], MapRole.INTERNAL, 'rows joined')
    self._join(m, wanted, whole)
    return whole

  def _crop(self, m: int, at: int, wanted: Rows, begin: int) -> int:
    top, count = wanted[0] - begin, wanted[1] - wanted[0]
    part = self._add_map(m, count, MapRole.INTERNAL, f'rows {wanted[0]}-{wanted[1] - 1}')
    self._maps[part] = dataclasses.replace(self._maps[part], view=View(at, top, 0))
    index = np.arange(count, dtype=np.int64) + top
    self._ops.append(
      StageOp(
        kind=Kind.CROP,
        name='CROP',
        inputs=(at,),
        outputs=(part,),
        steps=count,
        reads=(RowReads(index, index),),
        params=CropParams(top=top),
      )
    )
    return part

  def _join(self, m: int, wanted: Rows, whole: int) -> None:
    """Copies rows of a map from where they are, one below the other."""
    parts = [(each, self._rows(m, each)) for each in self._parts(m, wanted)]
    count = wanted[1] - wanted[0]
    self._ops.append(
      StageOp(
        kind=Kind.CONCATENATION,
        name='JOINED ROWS',
        inputs=tuple(part for _, part in parts),
        outputs=(whole,),
        steps=count,
        reads=tuple(
          rows.part_of_rows(count, begin - wanted[0], end - begin) for (begin, end), _ in parts
        ),
      )
    )

  def _parts(self, m: int, wanted: Rows) -> list[Rows]:
    """Rows that lie together each, one after the other."""
    track = self._tracks[m]
    borders = [track.top, track.new if wanted[1] > track.high else track.high]
    cuts = [wanted[0], *(cut for cut in borders if wanted[0] < cut < wanted[1]), wanted[1]]
    return list(itertools.pairwise(cuts))

  def _add_map(self, m: int, count: int, role: MapRole, what: str) -> int:
    like = self._graph.maps[m]
    name = like.name if role is MapRole.INPUT else f'{like.name}/{what}'
    self._maps.append(dataclasses.replace(like, name=name, rows=count, role=role))
    return len(self._maps) - 1
