# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which rows of a stage's maps stay the same when the window that it looks at goes on.

When the window of the input goes on by N rows, row r of a map is what row r + N / stride was
before, unless it is made from the padding at an end of the window: such border rows are others
in each window, and so is everything that is made from all rows of a map.
"""

from __future__ import annotations

import dataclasses
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


@dataclasses.dataclass(frozen=True)
class Track:
  """How the rows of a map go on from window to window.

  Attributes:
    rows: Of the map.
    hop: By how many of them it goes on.
    low, high: Rows [low, high) do not depend on where the window ends: row r < high - hop is
      what row r + hop was in the window before. The others are border rows.
    stride: Rows of the input for a row of the map.
    depth: Operators whose windows overlap between the input and the map, at most.
  """

  rows: int
  hop: int
  low: int
  high: int
  stride: int = 1
  depth: int = 0

  @property
  def new(self) -> int:
    """The first of the rows that come in, behind which only border rows are left."""
    return self.high - self.hop

  @property
  def pieces(self) -> tuple[tuple[int, int], ...]:
    """Rows [begin, end) that have to be made for each window: at the end, and at the begin."""
    end = (self.new, self.rows)
    return (end, (0, self.low)) if self.low else (end,)


def tracks_of(
  graph: StageGraph, window: int, hop: int, depth: int | None = None
) -> dict[int, Track]:
  """The tracks of the maps of which some rows stay.

  Args:
    graph: A stage that looks at whole windows.
    window: The map that goes on.
    hop: By how many rows.
    depth: Behind so many operators whose windows overlap all rows are made for each
      window; None for no limit.

  Raises:
    NotStageable: a stride does not divide the rows that come in.
  """
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
  return dataclasses.replace(made[0], low=low, high=high, depth=max(each.depth for each in made))


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
  return Track(op.steps, hop, max(low, 0), min(high, op.steps), stride, depth)


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
