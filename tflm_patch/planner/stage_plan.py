# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a plan of a stage says: segments, schedules, places in memory."""

from __future__ import annotations

import dataclasses

from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.memory.state import state_of
from tflm_patch.planner.schedule import segments


@dataclasses.dataclass(frozen=True)
class Peak:
  """The moment of a segment at which the most memory is alive.

  Attributes:
    bytes: Alive, the stage's tensors included where they are.
    op: The operator that runs.
    row: Its step.
    parts: (what, bytes), the largest first.
  """

  bytes: int
  op: int
  row: int
  parts: tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True)
class SegmentPlan:
  """A part of a stage under one schedule.

  Attributes:
    schedule: 'layer' or 'stream'.
    first_op, last_op: Operators [first_op, last_op) of the stage.
    steps: (operator of the stage or program.PAUSE, first step, count).
    peak: When the most memory of the arena is alive.
  """

  schedule: str
  first_op: int
  last_op: int
  steps: tuple[tuple[int, int, int], ...]
  peak: Peak


@dataclasses.dataclass(frozen=True)
class MapPlan:
  """Where a feature map lies.

  Slot s of its ring_rows slots lies at offset + s * row_bytes of the region when
  s < split, else at split_offset + (s - split) * row_bytes of split_region.
  Regions are as in program.Region; TENSOR + i is the stage's i-th tensor.
  """

  region: int
  offset: int
  ring_rows: int
  row_bytes: int
  split: int
  split_region: int = 0
  split_offset: int = 0


@dataclasses.dataclass(frozen=True)
class ScratchPlan:
  """Where an operator's private memory lies."""

  region: int
  offset: int
  bytes: int


@dataclasses.dataclass(frozen=True)
class StagePlan:
  """Everything about a stage but its constants.

  Attributes:
    scratch: Of each operator; None without.
    workspace_bytes: Multiple of 16.
    tensor_bytes: Of the stage's tensors whose memory it uses.
    fast_bytes: Of memory beside the arena, a multiple of 16; 0 for a plan of one memory.
  """

  graph: StageGraph
  segments: tuple[SegmentPlan, ...]
  maps: tuple[MapPlan, ...]
  scratch: tuple[ScratchPlan | None, ...]
  workspace_bytes: int
  tensor_bytes: int
  fast_bytes: int = 0

  @property
  def bytes(self) -> int:
    """What the stage needs in the arena, its tensors whose memory it uses included."""
    return self.workspace_bytes + self.tensor_bytes

  @property
  def state_bytes(self) -> int:
    """What it keeps between invocations, persistent memory."""
    return state_of(self.graph).bytes

  @property
  def macs(self) -> int:
    return sum(op.macs for op in self.graph.ops)

  @property
  def dispatches(self) -> int:
    """Kernel calls of an inference."""
    calls = {i: op.calls for i, op in enumerate(self.graph.ops) if op.calls > 1}
    steps = (step for segment in self.segments for step in segment.steps)
    return sum(count * calls[i] if i in calls else 1 for i, _, count in steps)


@dataclasses.dataclass(frozen=True)
class PlanSize:
  """What a plan needs, without the plan.

  Attributes:
    workspace_bytes: Multiple of 16.
    segments, steps: How many there are in its program.
  """

  workspace_bytes: int
  segments: int
  steps: int


@dataclasses.dataclass(frozen=True)
class Outline:
  """Cuts whose rows have no places yet.

  Attributes:
    cuts: Operators [first, last) of each segment.
    peak_bytes: The most bytes alive, the stage's tensors included.
    at_best: What the plan would be if every operator got all scratch that helps it; it
      has no maps.
  """

  cuts: segments.Cuts
  peak_bytes: int
  at_best: StagePlan
