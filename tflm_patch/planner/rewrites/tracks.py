# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which rows of a stage's maps stay the same when the window that it looks at goes on.

When the window of the input goes on by N rows, row r of a map is what row r + N / stride was
before, unless it is made from the padding at an end of the window: such border rows are others
in each window, and so is everything that is made from all rows of a map.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

from tflm_patch.graph.axis_window import AxisWindow
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import FeatureMap, MapRole, NotStageable, StageGraph, StageOp
from tflm_patch.program.fields import scalars
from tflm_patch.program.kinds import spec_of
from tflm_patch.program.records import Kind

# Kinds that know nothing of other rows when step t reads row t alone, beside the cellwise ones.
_BY_ROW = frozenset(
  {
    Kind.CONCATENATION,
    Kind.FULLY_CONNECTED,
    Kind.MEAN,
    Kind.PAD,
    Kind.PERMUTE,
    Kind.REDUCE_MAX,
    Kind.REDUCE_MIN,
    Kind.RESHAPE,
    Kind.SOFTMAX,
    Kind.SPLIT,
    Kind.STRIDED_SLICE,
  }
)
_ROW = AxisWindow()


Rows = tuple[int, int]  # [begin, end)


@dataclasses.dataclass(frozen=True)
class Keep:
  """Which rows that stay the same are kept; the others are made again.

  Attributes:
    depth: Behind so many operators whose windows overlap none are; None for no limit.
    waiting: Maps whose rows are kept until they get to the begin of the window, where they are
      read again; of other maps they are made again there. None for all maps.
  """

  depth: int | None = None
  waiting: frozenset[int] | None = None


@dataclasses.dataclass(frozen=True)
class Track:
  """How the rows of a map go on from window to window.

  Attributes:
    rows: Of the map.
    hop: By how many of them it goes on.
    low, high: Rows [low, high) do not depend on where the window ends: row r < high - hop is
      what row r + hop was in the window before. The others are border rows.
    top: Rows [0, top) are made for each window: the border rows [0, low), and maybe more.
    stride: Rows of the input for a row of the map.
    depth: Operators whose windows overlap between the input and the map, at most.
  """

  rows: int
  hop: int
  low: int
  high: int
  top: int = 0
  stride: int = 1
  depth: int = 0

  @property
  def new(self) -> int:
    """The first of the rows that come in, behind which only border rows are left."""
    return self.high - self.hop

  @property
  def pieces(self) -> tuple[Rows, ...]:
    """Rows [begin, end) that have to be made for each window: at the end, and at the begin."""
    end = (self.new, self.rows)
    return (end, (0, self.top)) if self.top else (end,)


class Sliding:
  """What a stage makes for each window, and keeps from one to the next.

  Args:
    graph: A stage that looks at whole windows.
    window: The map that goes on.
    hop: By how many rows.
    keep: What is kept.

  Raises:
    NotStageable: a stride does not divide the rows that come in.

  Attributes:
    tracks: Of the maps of which some rows stay; of the others all are made.
  """

  def __init__(self, graph: StageGraph, window: int, hop: int, keep: Keep = Keep()) -> None:
    self.graph = graph
    self.window = window
    self.tracks = _with_tops(graph, _tracks_of(graph, window, hop, keep.depth), keep.waiting)

  @functools.cached_property
  def needed(self) -> dict[int, list[Rows]]:
    """Of each map with a track the rows that are read for a window."""
    needed: dict[int, list[Rows]] = {m: [] for m in self.tracks}
    for op in self.graph.ops:
      for m in op.inputs:
        if m in needed:
          needed[m] += self._read(op, m)
    for m in self.graph.outputs:
      if m in needed:
        needed[m].append((0, self.tracks[m].rows))
    return needed

  def _read(self, op: StageOp, m: int) -> list[Rows]:
    track = self.tracks.get(op.outputs[0])
    if track is None:
      return [(0, self.tracks[m].rows)]
    return [source_rows(self.graph, op, m, piece) for piece in track.pieces]

  def kept(self, m: int) -> Rows | None:
    """The rows of a map that the state holds, those that come in among them; None for none."""
    track = self.tracks[m]
    stay = [begin for begin, end in self.needed[m] if begin < track.new and end > track.top]
    if stay:
      return max(min(stay), track.top), track.high
    return (track.new, track.high) if m == self.window else None

  @property
  def waiting(self) -> frozenset[int]:
    """Maps of which rows are kept until they get to the begin of the window."""
    return frozenset(
      m
      for m, track in self.tracks.items()
      if any(begin <= track.top < end and begin < track.new for begin, end in self.needed[m])
    )

  def macs(self, op: StageOp) -> int:
    """Multiply-accumulates for a window."""
    track = self.tracks.get(op.outputs[0])
    if track is None:
      return op.macs
    return op.macs * sum(end - begin for begin, end in track.pieces) // op.steps

  @property
  def work(self) -> int:
    """Multiply-accumulates for a window of all operators."""
    return sum(self.macs(op) for op in self.graph.ops)

  @property
  def state_bytes(self) -> int:
    """Of all rows that are kept."""
    kept = [(m, self.kept(m)) for m in self.tracks]
    return sum(
      (rows[1] - rows[0]) * self.graph.maps[m].row_bytes for m, rows in kept if rows is not None
    )


def source_rows(graph: StageGraph, op: StageOp, m: int, made: Rows) -> Rows:
  """Rows of a map with a track that rows of the output are made from."""
  window = row_window(graph, op, m)
  assert window is not None
  first, last = window.reads(made[0], made[1] - 1)
  size = graph.maps[m].rows
  begin, end = max(first, 0), min(last + 1, size)
  # A window that lies in the padding as a whole still needs a map to look at.
  begin = min(begin, size - 1)
  return begin, max(end, begin + 1)


def _with_tops(
  graph: StageGraph, tracks: Mapping[int, Track], waiting: frozenset[int] | None
) -> dict[int, Track]:
  """The tracks with all rows that are made again at the begin of the window."""
  found = dict(tracks)
  if waiting is None:
    return found
  needed: dict[int, int] = {m: graph.maps[m].rows for m in graph.outputs}
  for op in reversed(graph.ops):
    track = found.get(op.outputs[0])
    if track is not None:
      tops = [needed.get(m, 0) for m in op.outputs if m not in waiting]
      track = dataclasses.replace(
        track, top=max([track.low, *(top for top in tops if top <= track.new)])
      )
      found.update(dict.fromkeys(op.outputs, track))
    for m in op.inputs:
      if m in found:
        end = graph.maps[m].rows
        if track is not None:
          end = source_rows(graph, op, m, (0, track.top))[1] if track.top else 0
        needed[m] = max(needed.get(m, 0), end)
  return found


def _tracks_of(graph: StageGraph, window: int, hop: int, depth: int | None) -> dict[int, Track]:
  size = graph.maps[window].rows
  tracks = {window: Track(size, hop, 0, size)}
  for op in graph.ops:
    track = _made(graph, op, tracks)
    if track is not None and (depth is None or track.depth <= depth):
      tracks.update(dict.fromkeys(op.outputs, track))
  return tracks


def _made(graph: StageGraph, op: StageOp, tracks: Mapping[int, Track]) -> Track | None:
  """The track of what an operator makes; None where nothing of it stays."""
  sources = [m for m in op.inputs if m in tracks]
  others = [graph.maps[m] for m in op.inputs if m not in tracks]
  outputs = [graph.maps[m] for m in op.outputs]
  if not sources or any(each.role is not MapRole.CONSTANT or each.rows > 1 for each in others):
    return None
  if any(each.view is not None or each.rows != op.steps for each in outputs):
    return None
  found = [_through(graph, op, tracks[m], m) for m in sources]
  if any(each is None for each in found):
    return None
  made = [each for each in found if each is not None]
  if len({each.hop for each in made}) != 1:
    return None
  low, high = max(each.low for each in made), min(each.high for each in made)
  if high - low <= made[0].hop:
    return None
  depth = max(each.depth for each in made)
  return dataclasses.replace(made[0], low=low, high=high, top=low, depth=depth)


def _through(graph: StageGraph, op: StageOp, source: Track, m: int) -> Track | None:
  """The track of what an operator makes of one map."""
  window = row_window(graph, op, m)
  if window is None:
    return None
  stride = source.stride * window.stride
  if source.hop % window.stride:
    raise NotStageable(
      f'{op.name} makes a row of every {stride} of the input, and {source.hop * source.stride} '
      f'are no multiple of {stride}; use one that is'
    )
  # Row r reads r * stride - pad .. r * stride - pad + reach.
  low = -(-(source.low + window.pad) // window.stride)
  high = (source.high - 1 - window.reach + window.pad) // window.stride + 1
  overlaps = window.reach >= window.stride
  hop, depth = source.hop // window.stride, source.depth + overlaps
  low, high = max(low, 0), min(high, op.steps)
  return Track(op.steps, hop, low, high, low, stride, depth)


def row_window(graph: StageGraph, op: StageOp, m: int) -> AxisWindow | None:
  """Which rows of an input a row is made from, wherever the row is; None for all."""
  if op.window is not None:
    # One row of all is a sum that has no rows any more.
    return op.window[0] if op.window[0].up == 1 and op.steps > 1 else None
  return _ROW if _is_by_row(graph, op, m) else None


def _is_by_row(graph: StageGraph, op: StageOp, m: int) -> bool:
  source, made = graph.maps[m], graph.maps[op.outputs[0]]
  if op.accumulates or source.rows != op.steps:
    return False
  same = rows.same_row(op.steps, op.steps)
  reads = op.reads[op.inputs.index(m)]
  if not (np.array_equal(reads.first, same.first) and np.array_equal(reads.last, same.last)):
    return False
  return spec_of(op.kind).arithmetic in _BY_ROW or _is_cellwise(op, source, made)


def _is_cellwise(op: StageOp, source: FeatureMap, made: FeatureMap) -> bool:
  fields = {} if op.params is None else scalars(op.params)
  return op.spec.cellwise(fields, source.shape, made.shape)
