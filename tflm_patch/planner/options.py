# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a plan may cost and what it is to be good at."""

from __future__ import annotations

import dataclasses

SCHEDULES = ('auto', 'stream', 'layer', 'patch')
OBJECTIVES = ('arena', 'macs')


@dataclasses.dataclass(frozen=True)
class PlanOptions:
  """Budget and objective of a plan.

  Attributes:
    arena_bytes: The whole model's arena must not exceed this; the fastest plan
      that fits is taken. None for no limit.
    minimize: 'arena', or 'macs': the fastest plan that is still below the stock
      model's arena. Only without a limit.
    max_overhead: Multiply-accumulates may grow to this multiple. Above 1, and for a
      budget, a stage may be rewritten so that it is smaller and slower.
    schedule: 'auto' searches where to cut; 'layer' runs operator by operator;
      'stream' runs the whole stage as one stream; 'patch' runs its first
      operators patch by patch.
    grid: Rows and columns of patches, for 'patch'.
    patch_depth: How many operators run in patches; None for the number that
      needs the least memory.
    brief: Spend little time on layouts: what is found may be a little larger.
  """

  arena_bytes: int | None = None
  minimize: str = 'arena'
  max_overhead: float = 1.0
  schedule: str = 'auto'
  grid: tuple[int, int] = (4, 4)
  patch_depth: int | None = None
  brief: bool = False


DEFAULT = PlanOptions()
