# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How much of a sliding window's maps is kept where the arena is limited.

Level by level (`planner/rewrites/hop_levels.py`) less is kept and more computed again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tflm_patch.conversion.options import ConvertOptions
from tflm_patch.graph.types import Model

if TYPE_CHECKING:
  from tflm_patch.conversion.pipeline import Conversion

Progress = Callable[[str], None]
Plan = Callable[[Model, ConvertOptions, str, Progress], 'Conversion']


def is_wanted(options: ConvertOptions) -> bool:
  """Whether it has to be found out how much can be kept."""
  return (
    options.hop is not None and options.hop_level is None and options.plan.arena_bytes is not None
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
  last = 0
  for level, found in by_level(original, options, source, progress, plan):
    last = level
    if found.arena.required <= limit:
      break
  return plan(original, dataclasses.replace(options, hop_level=last), source, progress)


def by_level(
  original: Model, options: ConvertOptions, source: str, progress: Progress, plan: Plan
) -> Iterator[tuple[int, Conversion]]:
  """The smallest conversion of each level, from the one that keeps all on."""
  smallest = dataclasses.replace(options.plan, arena_bytes=None)
  before: tuple[int, ...] = ()
  level = 0
  while True:
    progress(f'Planning with less kept, level {level}' if level else 'Planning with all kept')
    each = dataclasses.replace(options, plan=smallest, hop_level=level)
    found = plan(original, each, source, progress)
    now = found.macs, *(stage.plan.state_bytes for stage in found.stages)
    if now == before:
      return  # there are no more
    yield level, found
    before = now
    level += 1
