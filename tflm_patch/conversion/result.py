# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a conversion brought."""

from __future__ import annotations

import dataclasses
from typing import Any

from tflm_patch.arena import ArenaPrediction, kernels
from tflm_patch.conversion.neighbourhoods import Neighbourhood, of_stages
from tflm_patch.conversion.plugins import Change
from tflm_patch.conversion.stage_operator import PlannedStage
from tflm_patch.graph.types import Model

# 2: arena_total, arena_head and arena_tail are the target's; arena_host is the wheel's.
SCHEMA_VERSION = 2


@dataclasses.dataclass(frozen=True)
class StockOperator:
  """An operator of the original model that no stage holds, and why."""

  index: int
  opcode: str
  rule: str
  reason: str


@dataclasses.dataclass(frozen=True)
class Hop:
  """A window that goes on by some rows with each invocation.

  Attributes:
    rows: How many the model takes.
    window_rows: Of the window.
    macs_again: Multiply-accumulates of rows that were made for a window before, too.
  """

  rows: int
  window_rows: int
  macs_again: int

  @property
  def invocations(self) -> int:
    return -(-self.window_rows // self.rows)


@dataclasses.dataclass(frozen=True)
class ConversionResult:
  """A conversion and what it brought.

  Attributes:
    model: The converted model; the original one when nothing changed.
    data: Its bytes; exactly the original file's when nothing changed.
    changed: Whether `data` differs from the original.
    reason: Why nothing changed, None when something did.
    original: The model that was read.
    original_arena, converted_arena: As TFLM's allocator will report them on the target.
    pointer_bytes: Of the target.
    original_arena_host, converted_arena_host: As its Python interpreter reports them here,
      which has pointers of 8 bytes and keeps records.
    original_bytes, converted_bytes: Of the files.
    original_macs, converted_macs: Per inference.
    stages: What was put into stages, with the plans.
    stock_operators: What was not, with the reasons.
    changes: Rewrites by the other plugins.
    notes: What the user must know of the original and of rewrites, a sentence each.
    hop: Of a model that is given the new rows of its window alone.
  """

  model: Model
  data: bytes
  changed: bool
  reason: str | None
  original: Model
  original_arena: ArenaPrediction
  converted_arena: ArenaPrediction
  pointer_bytes: int
  original_arena_host: ArenaPrediction
  converted_arena_host: ArenaPrediction
  original_bytes: int
  converted_bytes: int
  original_macs: int
  converted_macs: int
  stages: tuple[PlannedStage, ...]
  stock_operators: tuple[StockOperator, ...]
  changes: tuple[Change, ...]
  notes: tuple[str, ...] = ()
  hop: Hop | None = None

  @property
  def missing_kernels(self) -> dict[str, int]:
    """Operators of the converted model that TFLM has no kernel for, and how many of each."""
    return kernels.missing(self.model)

  @property
  def fast_bytes(self) -> int:
    """That the stages need beside the arena, one after the other; 0 with one memory."""
    return max((stage.plan.fast_bytes for stage in self.stages), default=0)

  @property
  def neighbourhoods(self) -> tuple[Neighbourhood, ...]:
    """Sums over neighbours in a graph, in the stages."""
    return of_stages(self.stages)

  @property
  def unknown_memory(self) -> tuple[str, ...]:
    """Operators whose memory is not known: both arenas are lower bounds then."""
    arenas = (self.original_arena, self.converted_arena)
    return tuple(sorted({name for arena in arenas for name in arena.unknown_operators}))

  def to_json(self) -> dict[str, Any]:
    """A summary for machines; arenas are predictions."""
    return {
      'schema_version': SCHEMA_VERSION,
      'changed': self.changed,
      'reason': self.reason,
      'missing_kernels': self.missing_kernels,
      'unknown_memory': list(self.unknown_memory),
      'pointer_bytes': self.pointer_bytes,
      'original': _size_json(self.original_arena, self.original_arena_host, self.original_bytes),
      'converted': _size_json(
        self.converted_arena, self.converted_arena_host, self.converted_bytes
      ),
      'fast_bytes': self.fast_bytes,
      'macs': {'original': self.original_macs, 'converted': self.converted_macs},
      'stages': [_stage_json(stage) for stage in self.stages],
      'stock_operators': [dataclasses.asdict(operator) for operator in self.stock_operators],
      'changes': [{'plugin': change.plugin, 'text': change.text} for change in self.changes],
      'notes': list(self.notes),
      'hop': None if self.hop is None else _hop_json(self.hop),
      'neighbourhoods': [dataclasses.asdict(each) for each in self.neighbourhoods],
    }


def _hop_json(hop: Hop) -> dict[str, Any]:
  return {**dataclasses.asdict(hop), 'invocations': hop.invocations}


def _size_json(arena: ArenaPrediction, host: ArenaPrediction, file_bytes: int) -> dict[str, Any]:
  return {
    'arena_total': arena.total,
    'arena_head': arena.head,
    'arena_tail': arena.tail,
    'arena_required': arena.required,
    'arena_host': host.total,
    'arena_exact': arena.exact,
    'file_bytes': file_bytes,
  }


def _stage_json(stage: PlannedStage) -> dict[str, Any]:
  graph = stage.plan.graph
  return {
    'operators': len(stage.region),
    'workspace_bytes': stage.plan.workspace_bytes,
    'state_bytes': stage.plan.state_bytes,
    'fast_bytes': stage.plan.fast_bytes,
    'program_bytes': len(stage.encoded.program),
    'constants_bytes': len(stage.encoded.constants),
    'segments': [
      {
        'schedule': segment.schedule,
        'first_operator': graph.ops[segment.first_op].name,
        'last_operator': graph.ops[segment.last_op - 1].name,
        'operators': segment.last_op - segment.first_op,
        'live_bytes': segment.peak.bytes,
      }
      for segment in stage.plan.segments
    ],
  }
