# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a conversion came to, and whether another one did better."""

from __future__ import annotations

import dataclasses
import functools
import zlib

from tflm_patch.arena import ArenaPrediction
from tflm_patch.conversion import spec_size
from tflm_patch.conversion.plugins import Change
from tflm_patch.conversion.result import StockOperator
from tflm_patch.conversion.stage_operator import PlannedStage, is_stage, stage_macs
from tflm_patch.graph.types import Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.lowering.operators.macs import subgraph_macs
from tflm_patch.program.fields import stored

_MULTIPLIER_BYTES = 4  # of a channel


@dataclasses.dataclass(frozen=True)
class Conversion:
  """A converted model and how it came about.

  Attributes:
    original: The model that was given.
    model: The converted one; the original itself when nothing changed.
    reason: Why nothing changed, None when something did.
    original_arena, arena: As TFLM's allocator will report them on the target.
    stages: What was put into stages, with the plans.
    stock_operators: What was not, with the reasons.
    changes: Rewrites, in order.
    notes: What the user must know of the original and of rewrites, a sentence each.
    hop_level: As in the options.
  """

  original: Model
  model: Model
  reason: str | None
  original_arena: ArenaPrediction
  arena: ArenaPrediction
  stages: tuple[PlannedStage, ...] = ()
  stock_operators: tuple[StockOperator, ...] = ()
  changes: tuple[Change, ...] = ()
  notes: tuple[str, ...] = ()
  hop_level: int | None = None

  @property
  def macs(self) -> int:
    """Multiply-accumulates of the converted model, or of one that was converted before."""
    own = sum(stage.plan.macs for stage in self.stages) if self.stages else stage_macs(self.model)
    return own + subgraph_macs(self.model.main)

  @property
  def fast_bytes(self) -> int:
    """That the stages need beside the arena, one after the other."""
    return max((stage.plan.fast_bytes for stage in self.stages), default=0)

  @property
  def file_bytes(self) -> int:
    """Of the converted file."""
    unchanged = self.original.file_bytes if self.model is self.original else 0
    return unchanged or len(serialize_model(self.model))

  @functools.cached_property
  def least_file_bytes(self) -> int:
    """That the file is not below, as far as arithmetic tells; outlines count as programs."""
    graph = self.model.main
    stock = {t for op in graph.operators if not is_stage(op) for t in op.inputs if t >= 0}
    constants = [graph.tensors[t].data for t in stock]
    size = 0
    for stage in self.stages:
      staged, segments = stage.plan.graph, stage.plan.segments
      steps = sum(len(segment.steps) for segment in segments)
      size += spec_size.program_of(
        spec_size.parts_of(staged.maps, staged.ops), steps, len(segments)
      )
      for op in staged.ops:
        weights, requant = (getattr(op.params, name, None) for name in ('weights', 'requant'))
        if weights is not None:
          constants.append(stored(weights))
          if requant is not None and requant.per_channel:
            size += _MULTIPLIER_BYTES * staged.maps[op.outputs[0]].channels
    # Equal arrays are stored once; those that may be equal count once.
    distinct = {
      (array.nbytes, zlib.crc32(array.tobytes())) for array in constants if array is not None
    }
    return size + sum(size for size, _ in distinct)


def is_no_worse(found: Conversion, other: Conversion, granted: int, outlines: bool = False) -> bool:
  """Whether a conversion needs no more than another, in any respect.

  Args:
    found, other: Of the same model.
    granted: Bytes of arena that may be used up anyway.
    outlines: The other one has outlines for programs; False also where it takes the programs
      to say.
  """
  return (
    found.arena.total <= max(other.arena.total, granted)
    and found.arena.required <= max(other.arena.required, granted)
    and found.macs <= other.macs
    and found.file_bytes <= (other.least_file_bytes if outlines else other.file_bytes)
  )
