# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The choice between arena and work: every schedule and budget of a model, side by side."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from typing import Any

from tflm_patch.analysis.speed import speed_of
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.conversion.known import Known
from tflm_patch.cost.memories import Memories
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import read_limited
from tflm_patch.planner.options import Objective, PlanOptions, Schedule

SCHEMA_VERSION = 2  # arenas are the target's
_OVERHEADS = (1.02, 1.05, 1.10, 1.25, 1.50, 2.0)
_GRIDS = ((1, 2), (2, 2), (3, 3))
# Budgets between the smallest plan's arena and the fastest one's.
_BUDGETS = 3


@dataclasses.dataclass(frozen=True)
class Point:
  """A plan of the whole model.

  Attributes:
    options: As on the command line.
    arena_total, arena_head: Predicted for the target, in bytes.
    arena_host: The total that TFLM's Python interpreter reports.
    macs: Per inference.
    kernel_calls: Of the stages, per inference.
    cycles: Of the stages, predicted for the options' core; None without stages.
    fast_bytes: Of memory beside the arena; 0 with one memory.
    optimal: No other point is as good in all but the cycles and better in one.
  """

  options: str
  arena_total: int
  arena_head: int
  arena_host: int
  macs: int
  kernel_calls: int
  cycles: int | None = None
  fast_bytes: int = 0
  optimal: bool = False

  @property
  def costs(self) -> tuple[int, int, int, int]:
    return self.arena_total, self.macs, self.kernel_calls, self.fast_bytes


@dataclasses.dataclass(frozen=True)
class Pareto:
  """All points, the smallest arena first.

  Attributes:
    stock_arena, stock_macs: Of the original model.
    unknown_memory: Operators whose memory is not known: all arenas are lower bounds then.
  """

  points: tuple[Point, ...]
  stock_arena: int
  stock_macs: int
  unknown_memory: tuple[str, ...] = ()

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return {'schema_version': SCHEMA_VERSION, **dataclasses.asdict(self)}


def _plans() -> Iterator[tuple[str, PlanOptions]]:
  yield '--allow-slower', PlanOptions(allow_slower=True)
  for overhead in _OVERHEADS:
    yield f'--max-overhead {overhead:g}', PlanOptions(max_overhead=overhead)
  for schedule in (Schedule.LAYER, Schedule.STREAM):
    yield f'--schedule {schedule.value}', PlanOptions(schedule=schedule)
  for rows, cols in _GRIDS:
    plan = PlanOptions(schedule=Schedule.PATCH, grid=(rows, cols))
    yield f'--schedule patch --grid {rows}x{cols}', plan


def _with_fast_memory(memories: Memories | None) -> Iterator[tuple[str, PlanOptions]]:
  """All of the fast memory, and parts of it."""
  for part in (1, 2, 4):
    fast = 0 if memories is None else memories.fast_bytes // part
    if memories is not None and fast >= 16:
      plan = PlanOptions(memories=dataclasses.replace(memories, fast_bytes=fast))
      yield f'--fast {fast}', plan


def pareto(
  path: str | os.PathLike[str],
  options: ConvertOptions | None = None,
  progress: Callable[[str], None] | None = None,
) -> Pareto:
  """Converts a model in every way, without writing it.

  Args:
    path: The `.tflite` file.
    options: What all conversions share; of their plan options only the memories are used, by
      some of the points.
    progress: Called with a line of text for each way.

  Raises:
    TflmPatchError: the file is no valid model, or the options do not fit it.
  """
  data = read_limited(path)
  options = options or ConvertOptions()
  say = progress or (lambda text: None)
  known = Known()

  def point(label: str, plan: PlanOptions) -> Point:
    say(f'Planning {label}')
    planned = dataclasses.replace(options, plan=plan)
    result = convert_model(data, planned, os.fspath(path), known=known)
    arena = result.converted_arena
    speed = speed_of(result, planned.cpu, memories=options.plan.memories)
    calls = sum(stage.plan.dispatches for stage in result.stages)
    return Point(
      label,
      arena.total,
      arena.head,
      result.converted_arena_host.total,
      result.converted_macs,
      calls,
      None if speed is None else speed.cycles,
      result.fast_bytes,
    )

  plain = dataclasses.replace(options, plan=PlanOptions())
  smallest = convert_model(data, plain, os.fspath(path), known=known)
  found = [
    point('(none)', PlanOptions()),
    point('--minimize calls', PlanOptions(minimize=Objective.CALLS)),
    point('--minimize cycles', PlanOptions(minimize=Objective.CYCLES)),
  ]
  least, most = found[0].arena_total, found[1].arena_total
  for k in range(1, _BUDGETS + 1):
    limit = least + (most - least) * k // (_BUDGETS + 1)
    if least < limit < most:
      found.append(point(f'--arena {limit}', PlanOptions(arena_bytes=limit)))
  for label, plan in (*_plans(), *_with_fast_memory(options.plan.memories)):
    try:
      found.append(point(label, plan))
    except TflmPatchError:
      continue  # this model cannot run so
  return Pareto(
    tuple(_marked(_distinct(found))),
    smallest.original_arena.total,
    smallest.original_macs,
    smallest.unknown_memory,
  )


def _distinct(points: list[Point]) -> list[Point]:
  """One point of those with equal costs, the first, in order of the arena."""
  first: dict[tuple[int, int, int, int], Point] = {}
  for point in points:
    first.setdefault(point.costs, point)
  return sorted(first.values(), key=lambda point: point.costs)


def _marked(points: list[Point]) -> Iterator[Point]:
  for point in points:
    beaten = any(
      other is not point and all(a <= b for a, b in zip(other.costs, point.costs))
      for other in points
    )
    yield dataclasses.replace(point, optimal=not beaten)
