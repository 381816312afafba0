# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The plan of a stage: segments, schedules, ring heights, offsets, program."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tflm_patch.planner import layout, order, program, segments
from tflm_patch.planner.constants import ConstantPool
from tflm_patch.planner.layout import aligned
from tflm_patch.planner.stage_ir import MapRole, StageGraph

_REUSE_SHARES = (1.0, 0.9, 0.75, 0.5, 0.25, 0.0)


@dataclasses.dataclass(frozen=True)
class SegmentPlan:
  """A part of a stage under one schedule.

  Attributes:
    schedule: 'layer' or 'stream'.
    first_op, last_op: Operators [first_op, last_op) of the stage.
    steps: (operator of the stage, first step, count).
    live_bytes: Workspace bytes alive while it runs.
  """

  schedule: str
  first_op: int
  last_op: int
  steps: tuple[tuple[int, int, int], ...]
  live_bytes: int


@dataclasses.dataclass(frozen=True)
class MapPlan:
  """Where a feature map lies.

  Attributes:
    region: As in program.Region; TENSOR + i is the stage's i-th tensor.
    offset: In bytes from the region's start.
    ring_rows: Rows held; the map's rows when it is full.
    first, last: Segments during which it is alive.
  """

  region: int
  offset: int
  ring_rows: int
  first: int
  last: int


@dataclasses.dataclass(frozen=True)
class StagePlan:
  """Everything about a stage but its constants.

  Attributes:
    scratch: Workspace offset of each operator's private memory, NONE without.
    workspace_bytes: Multiple of 16.
  """

  graph: StageGraph
  segments: tuple[SegmentPlan, ...]
  maps: tuple[MapPlan, ...]
  scratch: tuple[int, ...]
  workspace_bytes: int

  def tensor_region(self, m: int) -> int:
    """Region code of a stage input or output."""
    tensors = [*self.graph.inputs, *self.graph.outputs]
    return program.Region.TENSOR + tensors.index(m)

  @property
  def macs(self) -> int:
    return sum(op.macs for op in self.graph.ops)


@dataclasses.dataclass(frozen=True)
class EncodedStage:
  """The two constant tensors of a stage operator."""

  program: bytes
  constants: bytes


def plan_stage(graph: StageGraph, *, reuse_inputs: Sequence[int] = ()) -> StagePlan:
  """Plans a stage for the least workspace.

  Args:
    graph: What the stage computes.
    reuse_inputs: Stage inputs (positions in graph.inputs) whose bytes may be
      overwritten once they are read.

  Returns:
    The plan.
  """
  readers = order.consumers(graph)
  reusable, reusable_from = 0, len(graph.ops)
  if reuse_inputs:
    largest = max(reuse_inputs, key=lambda i: graph.maps[graph.inputs[i]].bytes)
    m = graph.inputs[largest]
    reusable, reusable_from = graph.maps[m].bytes, max(readers[m]) + 1
  costs = segments.SegmentCosts(graph)
  plans: dict[tuple[segments.Cut, ...], StagePlan] = {}
  # The cuts are chosen as if reused memory could be filled without gaps; since it
  # cannot always be, several shares of it are tried.
  for share in _REUSE_SHARES if reusable else (0.0,):
    cuts = tuple(segments.choose_cuts(costs, int(share * reusable), reusable_from))
    if cuts not in plans:
      plans[cuts] = _lay_out(graph, cuts, reuse_inputs)
  return min(plans.values(), key=lambda plan: plan.workspace_bytes)


def _lay_out(
    graph: StageGraph, cuts: Sequence[segments.Cut], reuse_inputs: Sequence[int]
) -> StagePlan:
  readers = order.consumers(graph)
  segment_of = {i: s for s, cut in enumerate(cuts) for i in range(cut.first, cut.last)}
  producer = order.producers(graph)
  orders = [order.simulate(graph, range(cut.first, cut.last)) for cut in cuts]

  def last_use(m: int) -> int:
    return max((segment_of[i] for i in readers.get(m, ())), default=segment_of[producer[m]])

  # Which buffers the layout must place: internal maps and operators' scratch.
  ring_rows = [feature_map.rows for feature_map in graph.maps]
  life: dict[int, tuple[int, int]] = {}
  keys: list[tuple[str, int]] = []
  buffers: list[layout.Buffer] = []
  for m, feature_map in enumerate(graph.maps):
    if feature_map.role != MapRole.INTERNAL:
      continue
    first, last = segment_of[producer[m]], last_use(m)
    life[m] = first, last
    if first == last and cuts[first].last - cuts[first].first > 1:
      ring_rows[m] = min(feature_map.rows, orders[first].heights[m])
    size = ring_rows[m] * feature_map.row_bytes
    keys.append(('map', m))
    buffers.append(layout.Buffer(size, first, last))
  for i, op in enumerate(graph.ops):
    if op.scratch_bytes:
      keys.append(('scratch', i))
      buffers.append(layout.Buffer(op.scratch_bytes, segment_of[i], segment_of[i], private=True))
  # Input tensors whose bytes become free after their last reader.
  arenas, regions = [], []
  for position in reuse_inputs:
    m = graph.inputs[position]
    last = max(segment_of[i] for i in readers[m])
    arenas.append(layout.Arena(graph.maps[m].bytes, last + 1))
    regions.append(program.Region.TENSOR + position)
  arenas.append(layout.Arena(None))
  regions.append(program.Region.WORKSPACE)
  placed = layout.place(buffers, arenas) if buffers else layout.Layout((), 0)

  maps: list[MapPlan] = []
  place_of = dict(zip(keys, placed.places))
  tensors = [*graph.inputs, *graph.outputs]
  for m, feature_map in enumerate(graph.maps):
    if ('map', m) in place_of:
      arena, offset = place_of['map', m]
      maps.append(MapPlan(regions[arena], offset, ring_rows[m], *life[m]))
    elif feature_map.role == MapRole.CONSTANT:
      maps.append(
          MapPlan(program.Region.CONSTANTS, 0, feature_map.rows, 0, len(cuts) - 1)
      )
    else:
      region = program.Region.TENSOR + tensors.index(m)
      maps.append(MapPlan(region, 0, feature_map.rows, 0, len(cuts) - 1))
  scratch = []
  for i, op in enumerate(graph.ops):
    if not op.scratch_bytes:
      scratch.append(program.NONE)
      continue
    scratch.append(place_of['scratch', i][1])

  plans = []
  for s, (cut, simulated) in enumerate(zip(cuts, orders)):
    live = sum(aligned(b.size) for b in buffers if b.first <= s <= b.last)
    schedule = 'layer' if cut.last - cut.first == 1 else 'stream'
    plans.append(SegmentPlan(schedule, cut.first, cut.last, _merge(simulated.steps), live))
  return StagePlan(graph, tuple(plans), tuple(maps), tuple(scratch), placed.bytes)


def _merge(steps: Sequence[order.Step]) -> tuple[tuple[int, int, int], ...]:
  """Joins consecutive steps of the same operator."""
  merged: list[tuple[int, int, int]] = []
  for i, t in steps:
    if merged:
      last, first, count = merged[-1]
      if last == i and first + count == t and count < program.MAX_STEP_ROWS:
        merged[-1] = last, first, count + 1
        continue
    merged.append((i, t, 1))
  return tuple(merged)


def encode_stage(plan: StagePlan) -> EncodedStage:
  """Packs the constants and encodes the program of a plan."""
  graph = plan.graph
  pool = ConstantPool()
  producer = order.producers(graph)
  maps = []
  for m, (feature_map, place) in enumerate(zip(graph.maps, plan.maps)):
    offset = place.offset
    if feature_map.role == MapRole.CONSTANT:
      assert feature_map.constant is not None
      offset = pool.add(feature_map.constant, alignment=layout.ALIGNMENT)
    maps.append({
        'offset': offset,
        'row_bytes': feature_map.row_bytes,
        'rows': feature_map.rows,
        'ring_rows': place.ring_rows,
        'split': place.ring_rows,
        'cols': feature_map.cols,
        'channels': feature_map.channels,
        'region': int(place.region),
        'type': program.TYPE_CODES[feature_map.dtype],
        'zero_point': feature_map.zero_point,
        'producer': producer.get(m, program.NONE),
    })
  ops = [
      program.OpRecord(
          kind=op.kind,
          inputs=op.inputs,
          outputs=op.outputs,
          steps=op.steps,
          params=op.encode(pool),
          scratch=scratch,
          scratch_bytes=op.scratch_bytes,
      )
      for op, scratch in zip(graph.ops, plan.scratch)
  ]
  records = [
      program.SegmentRecord(
          first_op=segment.first_op,
          n_ops=segment.last_op - segment.first_op,
          steps=[(i - segment.first_op, t, count) for i, t, count in segment.steps],
      )
      for segment in plan.segments
  ]
  constants = pool.finish()
  encoded = program.encode(
      n_inputs=len(graph.inputs),
      n_outputs=len(graph.outputs),
      maps=maps,
      ops=ops,
      segments=records,
      constants_bytes=len(constants),
      workspace_bytes=plan.workspace_bytes,
  )
  return EncodedStage(encoded, constants)
