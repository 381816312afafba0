# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What running the first operators of a network patch by patch costs and saves.

The last maps of the stage are cut into a grid; each patch computes its tile from
the part of the image that the tile sees, so what neighbouring patches both see is
computed more than once (MCUNetV2, arXiv 2110.15352).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tflm_patch.analysis import analytic_memory
from tflm_patch.analysis.analytic_memory import Peak
from tflm_patch.analysis.receptive_field import COLS, ROWS, SpatialGraph, needed
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.axis_window import cut

Grid = tuple[int, int]  # rows and columns of patches


@dataclasses.dataclass(frozen=True)
class PatchStage:
  """A patch stage and its cost.

  MACs are counted in two ways: `uniform` lets every patch compute the largest
  patch, padding at the image's borders included, as published tables do; `exact`
  leaves out what lies outside the maps, as a schedule does.

  Attributes:
    depth: Number of operators in the stage.
    grid: Rows and columns of patches.
    tile: Rows and columns of the largest patch on the stage's output.
    patch: Rows and columns of the image that it sees.
    core: Rows and columns of the image per patch, if patches did not overlap.
    macs: Of the stage, run operator by operator.
    macs_uniform, macs_exact: Of the stage, run by patches.
    network_macs: Of the whole network, run operator by operator.
    stage_peak: Of the stage: buffers of one patch and the stage's whole outputs, the
      image left out.
    rest_peak: Of the operators behind it, one by one.
  """

  depth: int
  grid: Grid
  tile: tuple[int, int]
  patch: tuple[int, int]
  core: tuple[int, int]
  macs: int
  macs_uniform: int
  macs_exact: int
  network_macs: int
  stage_peak: Peak
  rest_peak: Peak

  @property
  def halo(self) -> tuple[int, int]:
    """Rows and columns of the image that a patch sees beyond its own."""
    return self.patch[0] - self.core[0], self.patch[1] - self.core[1]

  @property
  def peak_bytes(self) -> int:
    return max(self.stage_peak.bytes, self.rest_peak.bytes)

  def stage_overhead(self, exact: bool) -> float:
    """Extra MACs of the stage, as a part of its own: 0.42 is 42 %."""
    done = self.macs_exact if exact else self.macs_uniform
    return done / self.macs - 1 if self.macs else 0.0

  def network_overhead(self, exact: bool) -> float:
    """Extra MACs of the stage, as a part of the network's."""
    done = self.macs_exact if exact else self.macs_uniform
    return (done - self.macs) / self.network_macs if self.network_macs else 0.0


def per_layer_peak(graph: SpatialGraph) -> Peak:
  """Peak of the whole network operator by operator, the image included."""
  return analytic_memory.peak(graph.ops, graph.sizes, graph.outputs)


def patch_stage(graph: SpatialGraph, depth: int, grid: Grid) -> PatchStage:
  """The cost of a patch stage of the first `depth` operators.

  Raises:
    TflmPatchError: the stage would be empty, hold an operator that reads a whole
      map, or have fewer rows or columns at its end than the grid.
  """
  if not 1 <= depth <= graph.depth:
    is_stopped = graph.depth < min(depth, len(graph.ops))
    stop = f'; {graph.ops[graph.depth].name} needs whole maps' if is_stopped else ''
    raise TflmPatchError(
      f'a patch stage of {depth} operators is not possible{stop}; use 1 to {graph.depth}'
    )
  ends = graph.across(depth)
  if not ends:
    raise TflmPatchError(f'nothing reads what the first {depth} operators make; use another depth')
  for axis, (parts, what) in enumerate(zip(grid, ('rows', 'columns'))):
    least = min(graph.shapes[t][axis] for t in ends)
    if parts > least:
      raise TflmPatchError(
        f'a grid of {grid[0]}x{grid[1]} patches does not fit the {least} {what} of the map '
        f'behind {graph.ops[depth - 1].name}; use a smaller grid or a shorter stage'
      )
  uniform = [_largest_patch(graph, depth, axis, grid[axis]) for axis in (ROWS, COLS)]
  exact = [_summed_sizes(graph, depth, axis, grid[axis]) for axis in (ROWS, COLS)]
  patches = grid[0] * grid[1]
  stage = graph.ops[:depth]
  end = max(ends, key=lambda t: graph.sizes[t])
  image = graph.shapes[graph.image]
  return PatchStage(
    depth=depth,
    grid=grid,
    tile=(uniform[0][end], uniform[1][end]),
    patch=(uniform[0].get(graph.image, 0), uniform[1].get(graph.image, 0)),
    core=(-(-image[0] // grid[0]), -(-image[1] // grid[1])),
    macs=sum(op.macs for op in stage),
    macs_uniform=patches * _macs(graph, depth, uniform[0], uniform[1]),
    macs_exact=_macs(graph, depth, exact[0], exact[1]),
    network_macs=sum(op.macs for op in graph.ops),
    stage_peak=_stage_peak(graph, depth, uniform[0], uniform[1]),
    rest_peak=_rest_peak(graph, depth),
  )


def best_depth(graph: SpatialGraph, grid: Grid) -> PatchStage:
  """The patch stage with the lowest peak; among equals the one of fewest MACs.

  Raises:
    TflmPatchError: no stage of the network can be cut into the grid.
  """
  stages = []
  for depth in range(1, graph.depth + 1):
    ends = graph.across(depth)
    if ends and all(
      parts <= graph.shapes[t][axis] for t in ends for axis, parts in enumerate(grid)
    ):
      stages.append(patch_stage(graph, depth, grid))
  if not stages:
    raise TflmPatchError(
      f'no map of the network has the rows and columns for {grid[0]}x{grid[1]} patches;'
      ' use a smaller grid'
    )
  return min(stages, key=lambda stage: (stage.peak_bytes, stage.macs_exact, stage.depth))


def _largest_patch(graph: SpatialGraph, depth: int, axis: int, parts: int) -> dict[int, int]:
  """Tensor -> positions that a patch of the largest tile needs, padding included."""
  wanted = {
    t: (0, max(last - first for first, last in cut(graph.shapes[t][axis], parts)))
    for t in graph.across(depth)
  }
  reads = needed(graph, wanted, axis, depth, clamp=False)
  return {t: last - first + 1 for t, (first, last) in reads.items()}


def _summed_sizes(graph: SpatialGraph, depth: int, axis: int, parts: int) -> dict[int, int]:
  """Tensor -> positions that all patches along an axis make together."""
  tiles = {t: cut(graph.shapes[t][axis], parts) for t in graph.across(depth)}
  total: dict[int, int] = {}
  for i in range(parts):
    wanted = {t: ranges[i] for t, ranges in tiles.items()}
    for t, (first, last) in needed(graph, wanted, axis, depth, clamp=True).items():
      total[t] = total.get(t, 0) + last - first + 1
  return total


def _macs(graph: SpatialGraph, depth: int, rows: Mapping[int, int], cols: Mapping[int, int]) -> int:
  total = 0
  for op in graph.ops[:depth]:
    if op.macs:
      made = op.outputs[0]
      shape = graph.shapes[made]
      total += op.macs * rows.get(made, 0) * cols.get(made, 0) // (shape[0] * shape[1])
  return total


def _stage_peak(
  graph: SpatialGraph, depth: int, rows: Mapping[int, int], cols: Mapping[int, int]
) -> Peak:
  stage = graph.ops[:depth]
  ends = graph.across(depth)
  read = {t for op in stage for t in op.windows}
  sizes = {}
  for t in {*read, *(t for op in stage for t in op.outputs)}:
    shape = graph.shapes[t]
    each = graph.sizes[t] // (shape[0] * shape[1])
    # What only later operators read is written to its place in the whole output.
    is_end = t in ends and t not in read
    sizes[t] = 0 if is_end else each * rows.get(t, 0) * cols.get(t, 0)
  whole = sum(graph.sizes[t] for t in ends)
  found = analytic_memory.peak(stage, sizes)
  return Peak(found.bytes + whole, found.at)


def _rest_peak(graph: SpatialGraph, depth: int) -> Peak:
  found = analytic_memory.peak(graph.ops[depth:], graph.sizes, graph.outputs)
  return Peak(found.bytes, found.at + depth)
