# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The choice between state and work of a window that slides: what is kept, and computed again."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any

from tflm_patch.api import ConvertOptions
from tflm_patch.conversion import hop_budget, pipeline
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import read_limited
from tflm_patch.graph.reader import parse_model
from tflm_patch.planner.lowering.operators.macs import subgraph_macs

SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class HopPoint:
  """What is kept, up to a level.

  Attributes:
    arena_total, arena_required: Predicted for the target, in bytes.
    state_bytes: Of it, the rows that stages keep.
    macs: For a window.
    macs_again: Of them those of rows that were made for a window before, too.
    optimal: Nothing needs less of both arena and multiply-accumulates.
  """

  arena_total: int
  arena_required: int
  state_bytes: int
  macs: int
  macs_again: int
  optimal: bool = False


@dataclasses.dataclass(frozen=True)
class HopCurve:
  """All levels, from the one that keeps all on.

  Attributes:
    hop: Rows by which the window goes on.
    stock_arena, stock_macs: Of the original model and its whole window.
  """

  hop: int
  stock_arena: int
  stock_macs: int
  points: tuple[HopPoint, ...]

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return {'schema_version': SCHEMA_VERSION, **dataclasses.asdict(self)}


def hop_curve(
  path: str | os.PathLike[str],
  options: ConvertOptions,
  progress: Callable[[str], None] = lambda text: None,
) -> HopCurve:
  """Converts a model with less and less kept, without writing it.

  Args:
    path: The `.tflite` file.
    options: With a hop; budgets are not used.
    progress: Called with a line of text for each level.

  Raises:
    TflmPatchError: the file is no valid model, or its windows cannot slide.
  """
  if options.hop is None:
    raise TflmPatchError('a curve of kept rows needs a hop; give ConvertOptions(hop=...)')
  source = os.fspath(path)
  original = parse_model(read_limited(path), source)
  points = []
  stock = 0
  for _, found in hop_budget.by_level(original, options, source, progress, pipeline.plan):
    stock = found.original_arena.total
    graphs = [stage.plan.graph for stage in found.stages]
    points.append(
      HopPoint(
        found.arena.total,
        found.arena.required,
        sum(stage.plan.state_bytes for stage in found.stages),
        found.macs,
        sum(op.macs_again for graph in graphs for op in graph.ops),
      )
    )
  return HopCurve(
    options.hop,
    stock,
    subgraph_macs(original.main),
    tuple(_marked(point, points) for point in points),
  )


def _marked(point: HopPoint, points: list[HopPoint]) -> HopPoint:
  beaten = any(
    other is not point and other.arena_total <= point.arena_total and other.macs <= point.macs
    for other in points
  )
  return dataclasses.replace(point, optimal=not beaten)
