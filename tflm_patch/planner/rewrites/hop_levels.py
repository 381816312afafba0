# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Less and less state for a sliding window, for more and more that is computed again.

From what keeps all rows on, each level gives up what frees the most bytes for a multiply-accumulate
more: rows that wait in a map until they get to the begin of the window, which are then made again
there, or all rows of the last maps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.rewrites.tracks import Keep, Sliding


def levels(graph: StageGraph, position: int, hop: int) -> list[Keep]:
  """What may be kept, the most first.

  Args:
    graph: A stage that looks at whole windows.
    position: Of the window, in graph.inputs.
    hop: By how many rows it goes on.

  Raises:
    NotStageable: a stride does not divide the hop.
  """
  window = graph.inputs[position]
  found = [Keep()]
  now = Sliding(graph, window, hop)
  while True:
    best: tuple[float, Keep, Sliding] | None = None
    for keep in _less(found[-1], now):
      less = Sliding(graph, window, hop, keep)
      freed = now.state_bytes - less.state_bytes
      rate = freed / max(less.work - now.work, 1)
      if freed > 0 and (best is None or rate > best[0]):
        best = rate, keep, less
    if best is None:
      return found
    found.append(best[1])
    now = best[2]


def _less(keep: Keep, sliding: Sliding) -> Iterator[Keep]:
  """What keeps a little less."""
  waiting = sliding.waiting if keep.waiting is None else keep.waiting
  for m in sorted(waiting - {sliding.window}):
    yield dataclasses.replace(keep, waiting=waiting - {m})
  depth = max(track.depth for track in sliding.tracks.values())
  if depth:
    yield dataclasses.replace(keep, depth=depth - 1)
