# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A region as two stages instead of one.

TFLM keeps all inputs and outputs of an operator for as long as it runs, however few
of their rows are in use. Where these bound a stage, two stages with a small tensor
between them need less.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

from tflm_patch.conversion.stage_operator import PlannedStage
from tflm_patch.graph.types import Subgraph
from tflm_patch.planner.lowering.region import NotStageable, region_boundary
from tflm_patch.planner.sizes import SizeSearch

Region = tuple[int, ...]
_LOOKED_INTO = 3  # cuts, those with the smallest tensors
_ALIGNMENT = 16
_WORTH = 0.02


@dataclasses.dataclass(frozen=True)
class _Cut:
  parts: tuple[Region, Region]
  floor: int  # bytes that its tensors need


def split(
  subgraph: Subgraph, stage: PlannedStage, search: Callable[[Region], SizeSearch]
) -> tuple[Region, Region] | None:
  """The most promising way to make two stages of one; None where that cannot help.

  Args:
    subgraph: The stage's operators and tensors.
    stage: The stage.
    search: The plans of a region; raises NotStageable.
  """
  limit = int((1 - _WORTH) * stage.plan.bytes)
  cuts = [cut for cut in _cuts(subgraph, stage.region) if cut.floor <= limit]
  cuts.sort(key=lambda cut: cut.floor)
  # The rows in use bound two stages as well.
  if not cuts or not search(stage.region).gets_below(limit, cuts[0].floor):
    return None
  best = None
  for cut in cuts[:_LOOKED_INTO]:
    if best is not None and cut.floor >= limit:
      break
    try:
      least = max(cut.floor, *(search(part).least_bytes() for part in cut.parts))
    except NotStageable:
      continue
    if least < limit:
      best, limit = cut.parts, least
  return best


def _cuts(subgraph: Subgraph, region: Region) -> Iterator[_Cut]:
  """All ways to cut a region, with the bytes of the tensors that TFLM keeps for each part."""
  n = len(region)
  inputs, wanted = region_boundary(subgraph, region)
  made = {t: i for i, op in enumerate(region) for t in subgraph.operators[op].outputs}
  last_read = {t: i for i, op in enumerate(region) for t in subgraph.operators[op].inputs}
  early, late = [0] * (n + 1), [0] * (n + 1)

  def add(sizes: list[int], tensor: int, first: int, last: int) -> None:
    """A tensor that counts for the cuts before operators first .. last."""
    if first <= last:
      size = -(-subgraph.tensors[tensor].bytes // _ALIGNMENT) * _ALIGNMENT
      sizes[first] += size
      sizes[last + 1] -= size

  for t in inputs:
    add(early, t, 0, n - 1)
    add(late, t, 0, last_read[t])
  for t, i in made.items():
    last = n - 1 if t in wanted else last_read.get(t, -1)
    add(early, t, i + 1, last)
    add(late, t, 0 if t in wanted else i + 1, last)
  floors = list(map(max, itertools.accumulate(early), itertools.accumulate(late)))
  for k in range(1, n):
    yield _Cut((region[:k], region[k:]), floors[k])
