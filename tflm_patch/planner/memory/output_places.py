# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps that lie in the memory of an output tensor, because that may lie over them.

A head often ends with an operator that works in place, such as LOGISTIC. What it reads then
lies where the output will be, a whole map less in the workspace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.schedule.live_ranges import LiveRanges

if TYPE_CHECKING:
  from tflm_patch.planner.memory.buffers import Buffer


def find_output_places(
  graph: StageGraph, ops: range, buffers: Sequence[Buffer], outputs: Mapping[int, LiveRanges]
) -> dict[int, tuple[int, LiveRanges]]:
  """Buffers that lie in the memory of outputs.

  Args:
    graph: The stage.
    ops: The operators that run.
    buffers: Of maps.
    outputs: When the rows of the stage's outputs are alive.

  Returns:
    By the host of the buffer, the output and when its rows are alive then.
  """
  top = {buffer.guests[-1][0] if buffer.guests else buffer.map: buffer for buffer in buffers}
  found: dict[int, tuple[int, LiveRanges]] = {}
  taken: set[int] = set()
  for i in ops:
    op = graph.ops[i]
    out = op.outputs[0]
    for how in op.in_place:
      below = op.inputs[how.input]
      buffer = top.get(below)
      if out not in outputs or out in taken or buffer is None or buffer.map is None:
        continue
      if not how.is_same_place or op.inputs.count(below) != 1 or buffer.map in found:
        continue
      live = _together(graph, buffer, out, outputs[out])
      if live is not None:
        found[buffer.map] = out, live
        taken.add(out)
  return found


def _together(graph: StageGraph, buffer: Buffer, out: int, output: LiveRanges) -> LiveRanges | None:
  """When the rows of both are alive; None where one cannot lie in the other."""
  assert buffer.map is not None
  host, target = graph.maps[buffer.map], graph.maps[out]
  shape = buffer.item.shapes[-1]
  if (
    buffer.item.one_piece
    or host.dtype != target.dtype
    or (host.rows, host.row_bytes) != (target.rows, target.row_bytes)
    or len(shape.made) != target.rows
    or np.any(shape.last > output.made)
  ):
    return None
  return LiveRanges(np.minimum(shape.made, output.made), output.last)
