# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From a plan to the two constant tensors of a stage operator."""

from __future__ import annotations

import dataclasses

from tflm_patch.planner.ir.constants import ConstantPool
from tflm_patch.planner.ir.stage_graph import MapRole
from tflm_patch.planner.plan import SegmentPlan, StagePlan
from tflm_patch.planner.schedule import order
from tflm_patch.program import encode as program_bytes
from tflm_patch.program import records as program


@dataclasses.dataclass(frozen=True)
class EncodedStage:
  """The two constant tensors of a stage operator."""

  program: bytes
  constants: bytes


def encode_stage(plan: StagePlan) -> EncodedStage:
  """Packs the constants and encodes the program of a plan."""
  pool = ConstantPool()
  maps = _maps(plan, pool)
  ops = _ops(plan, pool)
  constants = pool.finish()
  encoded = program_bytes.encode(
      n_inputs=len(plan.graph.inputs),
      n_outputs=len(plan.graph.outputs),
      maps=maps,
      ops=ops,
      segments=[_segment(segment) for segment in plan.segments],
      constants_bytes=len(constants),
      workspace_bytes=plan.workspace_bytes,
  )
  return EncodedStage(encoded, constants)


def _maps(plan: StagePlan, pool: ConstantPool) -> list[dict[str, int]]:
  producer = order.producers(plan.graph)
  records = []
  for m, (feature_map, place) in enumerate(zip(plan.graph.maps, plan.maps)):
    offset = place.offset
    if feature_map.role == MapRole.CONSTANT:
      assert feature_map.constant is not None
      offset = pool.add(feature_map.constant, alignment=program.ALIGNMENT)
    records.append({
        'offset': offset,
        'row_bytes': place.row_bytes,
        'rows': feature_map.rows,
        'ring_rows': place.ring_rows,
        'cols': feature_map.cols,
        'channels': feature_map.channels,
        'region': place.region,
        'type': program.TYPE_CODES[feature_map.dtype],
        'zero_point': feature_map.zero_point,
        'producer': producer.get(m, program.NONE),
        'split': place.split,
        'split_region': place.split_region,
        'split_offset': place.split_offset,
    })
  return records


def _ops(plan: StagePlan, pool: ConstantPool) -> list[program_bytes.OpRecord]:
  records = []
  for op, scratch in zip(plan.graph.ops, plan.scratch):
    record = program_bytes.OpRecord(op.kind, op.inputs, op.outputs, op.steps, op.encode(pool))
    if scratch is not None:
      record = dataclasses.replace(
          record,
          scratch=scratch.offset,
          scratch_region=scratch.region,
          scratch_bytes=scratch.bytes,
      )
    records.append(record)
  return records


def _segment(segment: SegmentPlan) -> program_bytes.SegmentRecord:
  steps = [
      (i if i == program.PAUSE and count == 0 else i - segment.first_op, row, count)
      for i, row, count in segment.steps
  ]
  return program_bytes.SegmentRecord(segment.first_op, segment.last_op - segment.first_op, steps)
