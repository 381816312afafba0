# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From a plan to the two constant tensors of a stage operator."""

from __future__ import annotations

import dataclasses

from tflm_patch.planner.ir.stage_graph import MapRole
from tflm_patch.planner.memory.state import append_params
from tflm_patch.planner.schedule import order
from tflm_patch.planner.stage_plan import SegmentPlan, StagePlan
from tflm_patch.program import records
from tflm_patch.program.encode import (
  EncodedStage,
  Program,
  ProgramMap,
  ProgramOp,
  ProgramSegment,
  encode,
)


def encode_stage(plan: StagePlan) -> EncodedStage:
  """The program of a plan and its constants."""
  return encode(
    Program(
      n_inputs=len(plan.graph.inputs),
      n_outputs=len(plan.graph.outputs),
      maps=_maps(plan),
      ops=_ops(plan),
      segments=[_segment(segment) for segment in plan.segments],
      workspace_bytes=plan.workspace_bytes,
      state_bytes=plan.state_bytes,
      fast_bytes=plan.fast_bytes,
    )
  )


def _maps(plan: StagePlan) -> list[ProgramMap]:
  producer = order.producers(plan.graph)
  maps = []
  for m, (feature_map, place) in enumerate(zip(plan.graph.maps, plan.maps)):
    entry = records.MapEntry(
      offset=place.offset,
      row_bytes=place.row_bytes,
      rows=feature_map.rows,
      ring_rows=place.ring_rows,
      cols=feature_map.cols,
      channels=feature_map.channels,
      region=place.region,
      type=records.TYPE_CODES[feature_map.dtype],
      zero_point=feature_map.zero_point,
      producer=producer.get(m, records.NONE),
      split=place.split,
      split_region=place.split_region,
      split_offset=place.split_offset,
      kept=int(place.region == records.Region.STATE),
    )
    constant = feature_map.constant if feature_map.role == MapRole.CONSTANT else None
    maps.append(ProgramMap(entry, constant))
  return maps


def _ops(plan: StagePlan) -> list[ProgramOp]:
  ops = []
  for op, scratch in zip(plan.graph.ops, plan.scratch):
    kind = records.Kind(op.kind)
    if kind is records.Kind.APPEND:
      op = dataclasses.replace(op, params=append_params(plan.graph, op.outputs[0]))
    if scratch is None:
      ops.append(ProgramOp(kind, op.inputs, op.outputs, op.steps, op.params))
      continue
    ops.append(
      ProgramOp(
        kind,
        op.inputs,
        op.outputs,
        op.steps,
        op.params,
        scratch=scratch.offset,
        scratch_region=scratch.region,
        scratch_bytes=scratch.bytes,
      )
    )
  return ops


def _segment(segment: SegmentPlan) -> ProgramSegment:
  steps = [
    (i if i == records.PAUSE and count == 0 else i - segment.first_op, row, count)
    for i, row, count in segment.steps
  ]
  return ProgramSegment(segment.first_op, segment.last_op - segment.first_op, steps)
