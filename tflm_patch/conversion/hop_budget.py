# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How much of a sliding window's maps is kept where the arena is limited.

The fewer maps keep rows, the more is computed again: from the last maps on, behind some number
of operators whose windows overlap, nothing is kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tflm_patch.conversion.options import ConvertOptions
from tflm_patch.graph.types import Model
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.program.kinds import Role

if TYPE_CHECKING:
  from tflm_patch.conversion.pipeline import Conversion

Progress = Callable[[str], None]
Plan = Callable[[Model, ConvertOptions, str, Progress], 'Conversion']


def is_wanted(options: ConvertOptions) -> bool:
  """Whether it has to be found out how much can be kept."""
  return (
    options.hop is not None and options.hop_depth is None and options.plan.arena_bytes is not None
  )


def least_work(
  original: Model, options: ConvertOptions, source: str, progress: Progress, plan: Plan
) -> Conversion:
  """The conversion that keeps as much as fits the arena.

  Args:
    original, options, source, progress: As for `pipeline.plan`.
    plan: Makes a conversion; `pipeline.plan` itself.

  Raises:
    TflmPatchError: none fits.
  """
  limit = options.plan.arena_bytes
  assert limit is not None
  for found in by_depth(original, options, source, progress, plan):
    last = found
    if found.arena.required <= limit:
      return plan(original, _at(options, found), source, progress)
  return plan(original, _at(options, last), source, progress)


def by_depth(
  original: Model, options: ConvertOptions, source: str, progress: Progress, plan: Plan
) -> Iterator[Conversion]:
  """The smallest conversions, from the one that keeps all on to the one that keeps the least."""
  smallest = dataclasses.replace(options.plan, arena_bytes=None)
  whole = plan(original, dataclasses.replace(options, plan=smallest), source, progress)
  yield whole
  macs = whole.macs
  for depth in range(_kept_maps(whole) - 1, -1, -1):
    each = dataclasses.replace(options, plan=smallest, hop_depth=depth)
    found = plan(original, each, source, progress)
    if found.macs > macs:
      macs = found.macs
      yield dataclasses.replace(found, hop_depth=depth)


def _at(options: ConvertOptions, found: Conversion) -> ConvertOptions:
  depth = found.hop_depth if found.hop_depth is not None else _kept_maps(found)
  return dataclasses.replace(options, hop_depth=depth)


def _kept_maps(found: Conversion) -> int:
  """At least as many as there are windows that overlap between the input and a map."""
  return sum(kept_maps(stage.plan.graph) for stage in found.stages)


def kept_maps(graph: StageGraph) -> int:
  """How many maps a stage keeps."""
  return sum(op.spec.role is Role.SLIDE for op in graph.ops)
