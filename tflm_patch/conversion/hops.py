# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models that look at windows of a stream, and get the new rows of each window alone.

Nothing but the stage that keeps the rows may read the input.
"""

from __future__ import annotations

import dataclasses

from tflm_patch.conversion.input_bands import Bands, region_of_input
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Subgraph
from tflm_patch.planner.ir.stage_graph import NotStageable, StageGraph
from tflm_patch.planner.lowering.partition import Partition
from tflm_patch.planner.rewrites import hop
from tflm_patch.planner.rewrites.hop_levels import levels


def refusal(reason: str) -> TflmPatchError:
  """The error for a model whose windows cannot slide."""
  return TflmPatchError(f'--hop: {reason}; convert without it')


@dataclasses.dataclass(frozen=True)
class Hop(Bands):
  """The input that goes on by some rows.

  Attributes:
    rows: By how many; `frame_rows` are those of the window.
    level: How little is kept, from 0 for all; None for 0. See `hop_levels`.
  """

  level: int | None = None

  def refusal(self, reason: str) -> TflmPatchError:
    return refusal(reason)

  def feed_at(self, graph: StageGraph, position: int) -> StageGraph:
    try:
      keep = None
      if self.level:
        keeps = levels(graph, position, self.rows)
        keep = keeps[min(self.level, len(keeps) - 1)]
      return hop.slide_over(graph, position, self.rows, keep)
    except NotStageable as error:
      raise TflmPatchError(f'--hop: {error}') from None


_STATEFUL = ('SVDF', 'CALL_ONCE', 'VAR_HANDLE')


def _check_state(subgraph: Subgraph) -> None:
  for index, op in enumerate(subgraph.operators):
    remembers = any(i >= 0 and subgraph.tensors[i].is_variable for i in op.inputs)
    if op.opcode in _STATEFUL or remembers:
      raise refusal(
        f'operator {index}, {op.opcode}, remembers earlier invocations: the model is a '
        'streaming one already'
      )


def plan_hop(subgraph: Subgraph, parts: Partition, rows: int, level: int | None) -> Hop:
  """Checks that the model's input is a window that can go on by `rows` rows.

  Raises:
    TflmPatchError: it cannot.
  """
  _check_state(subgraph)
  if len(subgraph.inputs) != 1:
    raise refusal(f'the model has {len(subgraph.inputs)} inputs, windows are of one')
  tensor = subgraph.inputs[0]
  shape = subgraph.tensors[tensor].shape
  if len(shape) not in (3, 4) or shape[0] != 1 or shape[1] < 2:
    raise refusal(f'the input {list(shape)} has no time, it is not [1, rows, ...]')
  if rows >= shape[1]:
    raise TflmPatchError(
      f'--hop {rows} leaves nothing of a window of {shape[1]} rows; use at most {shape[1] - 1}'
    )
  region = region_of_input(subgraph, parts, tensor, refusal)
  return Hop(tensor, rows, shape[1], region, level)
